"""AMD's service on loopback: addresses, what is kept and for how long, one question at a time, and patience."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from kettle_web.attestation.collateral import CollateralMissing
from kettle_web.attestation.collateral import fetch as fetch_module
from kettle_web.attestation.collateral.cache import CollateralCache, FolderCache, Kept, MemoryCache
from kettle_web.attestation.collateral.fetch import Fetcher, transport_make
from kettle_web.attestation.collateral.kds import AmdKds, cert_chain_address, crl_address, vcek_address
from kettle_web.attestation.formats.tcb import tcb_encode
from tests.fakes import amd, amd_crl

TCB = tcb_encode(amd.MILAN_TCB)
Handle = Callable[[str], tuple[int, dict[str, str], bytes]]


@cache
def milan() -> amd.Authority:
    return amd.authority_mint("milan")


@dataclass
class Clock:
    now: datetime = amd.NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Service:
    """What a fake service was asked, and what it answers."""

    handle: Handle
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(handle: Handle) -> Iterator[Service]:
    service = Service(handle)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.asked.append(self.path)
            status, headers, body = service.handle(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@contextmanager
def kds_on(service: Service, *, clock: Clock | None = None, cache: CollateralCache | None = None) -> Iterator[AmdKds]:
    transport = transport_make(allowed_hosts=(f"127.0.0.1:{service.port}",))
    fetcher = Fetcher(cache or MemoryCache(), clock=clock or Clock(), transport=transport, deadline_seconds=5)
    try:
        yield AmdKds(fetcher, base=service.base)
    finally:
        fetcher.close()


def genuine(path: str) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, amd_crl.crl_mint(milan()) if path.endswith("/crl") else milan().vek_mint()


@pytest.fixture(params=["memory", "folder"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> CollateralCache:
    return MemoryCache() if request.param == "memory" else FolderCache(tmp_path / "collateral")


def test_addresses_are_those_of_the_specification() -> None:
    chip = bytes(range(64))
    assert vcek_address("b", "milan", chip, TCB) == f"b/vcek/v1/Milan/{chip.hex()}?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219"
    turin = tcb_encode(amd.TURIN_TCB)
    expected = "b/vcek/v1/Turin/0001020304050607?fmcSPL=01&blSPL=01&teeSPL=01&snpSPL=04&ucodeSPL=81"
    assert vcek_address("b", "turin", chip, turin) == expected
    assert crl_address("b", "genoa") == "b/vcek/v1/Genoa/crl"
    assert crl_address("b", "genoa", "vlek") == "b/vlek/v1/Genoa/crl"
    assert cert_chain_address("b", "turin", "vlek") == "b/vlek/v1/Turin/cert_chain"
    with pytest.raises(ValueError, match="no kind"):
        crl_address("b", "milan", "../vcek")


def test_a_chip_key_is_asked_for_once_and_kept_for_ever(kept: CollateralCache) -> None:
    clock = Clock()
    with serving(genuine) as service, kds_on(service, clock=clock, cache=kept) as kds:
        for _ in range(2):
            found = kds.amd_vek_for("milan", amd.CHIP_ID, TCB)
            clock.now += timedelta(days=4000)
        assert found.chip_id == amd.CHIP_ID
        assert service.asked == [f"/vcek/v1/Milan/{amd.CHIP_ID.hex()}?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219"]
        kds.amd_vek_for("milan", amd.CHIP_ID, bytes(8))
        assert len(service.asked) == 2


def test_a_list_is_kept_until_its_next_update(kept: CollateralCache) -> None:
    clock = Clock()
    with serving(genuine) as service, kds_on(service, clock=clock, cache=kept) as kds:
        assert kds.amd_crl_for("milan").fetched_at == amd.NOW
        clock.now = amd_crl.NEXT_UPDATE - timedelta(seconds=1)
        assert kds.amd_crl_for("milan").fetched_at == amd.NOW
        clock.now = amd_crl.NEXT_UPDATE
        assert kds.amd_crl_for("milan").fetched_at == amd_crl.NEXT_UPDATE
        assert service.asked == ["/vcek/v1/Milan/crl"] * 2
        # The service still gives the old one: it is not asked with every look.
        clock.now += timedelta(minutes=59)
        kds.amd_crl_for("milan")
        assert len(service.asked) == 2


def test_many_who_ask_at_once_are_one_question(kept: CollateralCache) -> None:
    inside = threading.Event()

    def slow(path: str) -> tuple[int, dict[str, str], bytes]:
        inside.wait(0.1)
        return genuine(path)

    with serving(slow) as service, kds_on(service, cache=kept) as kds, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: kds.amd_crl_for("milan").der, range(8)))
        assert len(set(found)) == 1
        assert len(service.asked) == 1


def test_a_throttled_service_is_left_alone(kept: CollateralCache) -> None:
    clock = Clock()
    with serving(lambda path: (429, {"Retry-After": "60"}, b"")) as service, kds_on(service, clock=clock, cache=kept) as kds:
        for _ in range(3):
            with pytest.raises(CollateralMissing) as caught:
                kds.amd_vek_for("milan", amd.CHIP_ID, TCB)
            assert (caught.value.code, caught.value.retry) == ("collateral.throttled", True)
        assert len(service.asked) == 1
        clock.now += timedelta(seconds=61)
        service.handle = genuine
        assert kds.amd_vek_for("milan", amd.CHIP_ID, TCB).der
        assert len(service.asked) == 2


@pytest.mark.parametrize("wish", ["", "soon", "-5", "99999999999", "Mon, 01 Jun 2020 00:00:00 GMT", "0"])
def test_pauses_double_within_bounds(wish: str) -> None:
    clock = Clock()
    with serving(lambda path: (429, {"Retry-After": wish}, b"")) as service, kds_on(service, clock=clock) as kds:
        for number in range(1, 9):
            with pytest.raises(CollateralMissing):
                kds.amd_crl_for("milan")
            assert len(service.asked) == number
            clock.now += fetch_module.LONGEST_PAUSE


def test_what_does_not_exist_is_believed_for_an_hour(kept: CollateralCache) -> None:
    clock = Clock()
    with serving(lambda path: (404, {}, b"no")) as service, kds_on(service, clock=clock, cache=kept) as kds:
        for seconds in (0, 3599, 1):
            clock.now += timedelta(seconds=seconds)
            with pytest.raises(CollateralMissing) as caught:
                kds.amd_vek_for("milan", amd.CHIP_ID, TCB)
            assert caught.value.code == "collateral.absent"
        assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("status", "headers", "body", "retry"),
    [
        (200, {}, b"<html>maintenance</html>", True),
        (200, {}, b"", True),
        (200, {}, bytes(2 * 1024 * 1024), True),
        (500, {}, b"", True),
        (403, {}, b"", False),
        (302, {"Location": "http://127.0.0.1:1/"}, b"", True),
    ],
)
def test_a_useless_answer_is_not_kept(status: int, headers: dict[str, str], body: bytes, retry: bool) -> None:
    with serving(lambda path: (status, headers, body)) as service, kds_on(service) as kds:
        for ask in (lambda: kds.amd_crl_for("milan"), lambda: kds.amd_vek_for("milan", amd.CHIP_ID, TCB)):
            with pytest.raises(CollateralMissing) as caught:
                ask()
            assert caught.value.retry is retry
        service.handle = genuine
        assert kds.amd_crl_for("milan").der


def test_private_addresses_are_refused_unless_allowed() -> None:
    fetcher = Fetcher(MemoryCache(), clock=Clock())
    with pytest.raises(CollateralMissing) as caught:
        AmdKds(fetcher, base="http://127.0.0.1:9").amd_crl_for("milan")
    fetcher.close()
    assert caught.value.code == "collateral.unreachable"


def test_slow_answers_end_at_the_deadline() -> None:
    def dripping(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    fetcher = Fetcher(MemoryCache(), clock=Clock(), transport=httpx.MockTransport(dripping))
    with pytest.raises(CollateralMissing) as caught:
        AmdKds(fetcher).amd_crl_for("milan")
    fetcher.close()
    assert (caught.value.code, caught.value.retry) == ("collateral.unreachable", True)


def test_nonsense_is_never_sent() -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    fetcher = Fetcher(MemoryCache(), clock=Clock(), transport=httpx.MockTransport(never))
    kds = AmdKds(fetcher)
    for ask in (lambda: kds.amd_crl_for("rome"), lambda: kds.amd_vek_for("milan", b"", TCB), lambda: kds.intel_for(bytes(6), "platform")):
        with pytest.raises(CollateralMissing):
            ask()
    fetcher.close()


def test_the_memory_forgets_the_oldest() -> None:
    cache = MemoryCache(2)
    for key in "abc":
        cache.put(key, Kept(b"x", amd.NOW, None))
    assert cache.get("a") is None
    assert cache.get("c") is not None


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"key": "k", "fetched_at": "2026-01-01", "until": null, "data": ""}'])
def test_a_broken_file_of_the_folder_counts_as_none(tmp_path: Path, content: bytes) -> None:
    cache = FolderCache(tmp_path)
    cache.put("k", Kept(b"x", amd.NOW, None))
    assert cache.get("k") == Kept(b"x", amd.NOW, None)
    (path,) = tmp_path.glob("*.json")
    path.write_bytes(content)
    assert cache.get("k") is None
    # Two keys with one file name cannot be told to happen; a file that is another key's is not taken.
    cache.put("other", Kept(b"y", amd.NOW, None))
    next(p for p in tmp_path.glob("*.json") if p != path).replace(path)
    assert cache.get("k") is None
