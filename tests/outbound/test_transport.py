"""Addresses are vetted where the connection is made, and the connection goes to what was vetted."""

import socket
from collections.abc import Callable
from typing import Any

import httpcore
import httpx
import pytest

from kettle_web.outbound import addresses
from kettle_web.outbound.errors import AddressRefused, RedirectRefused
from kettle_web.outbound.transport import vetted_async_transport, vetted_transport
from tests.outbound.serving import answering, serving


def client(*allowed: str) -> httpx.Client:
    return httpx.Client(transport=vetted_transport(allowed_hosts=allowed), trust_env=False, timeout=5)


def test_allowed_host_is_reached_and_keeps_its_name() -> None:
    with serving(answering(b"hello")) as served, client(f"localhost:{served.port}") as http:
        assert http.get(f"http://localhost:{served.port}/x").content == b"hello"
    assert f"Host: localhost:{served.port}".encode() in served.heads[0]


def test_private_address_is_refused_before_a_connection_is_made() -> None:
    with serving(answering(b"secret")) as served, client() as http, pytest.raises(AddressRefused) as caught:
        http.get(served.url)
    assert caught.value.code == "address.refused"
    assert served.heads == []


def test_another_port_of_an_allowed_host_is_refused() -> None:
    with serving(answering(b"secret")) as served, client("127.0.0.1:1") as http, pytest.raises(AddressRefused):
        http.get(served.url)


async def test_async_transport_vets_too() -> None:
    with serving(answering(b"hello")) as served:
        async with httpx.AsyncClient(transport=vetted_async_transport(allowed_hosts=(served.host,)), trust_env=False) as http:
            assert (await http.get(served.url)).content == b"hello"
        async with httpx.AsyncClient(transport=vetted_async_transport(), trust_env=False) as http:
            with pytest.raises(AddressRefused):
                await http.get(served.url)
    assert len(served.heads) == 1


def test_name_is_resolved_once_and_its_vetted_address_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second answer of the resolver, as in DNS rebinding, is never asked for."""
    asked, connected = [], []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        asked.append(host)
        return [(0, 0, 0, "", ("8.8.8.8" if len(asked) == 1 else "127.0.0.1", port))]

    def connect(self: object, host: str, *_: object, **__: object) -> None:
        connected.append(host)
        raise httpcore.ConnectError("no network in tests")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with client() as http, pytest.raises(httpx.ConnectError):
        http.get("http://rebinding.example/")
    assert (asked, connected) == (["rebinding.example"], ["8.8.8.8"])


def test_next_address_is_tried_when_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(b"hello")) as served:
        closed = socket.create_server(("127.0.0.2", 0))
        closed.close()

        real = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, *rest: int, **more: int) -> list[tuple[Any, ...]]:
            if host != "two.example":
                return list(real(host, port, *rest, **more))
            return [(0, 0, 0, "", ("127.0.0.2", port)), (0, 0, 0, "", ("127.0.0.1", port))]

        monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
        with client("two.example") as http:
            assert http.get(f"http://two.example:{served.port}/").content == b"hello"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirect_is_refused_even_where_the_client_would_follow(status: str) -> None:
    with (
        serving(answering(b"", status=status, Location="http://169.254.169.254/")) as served,
        httpx.Client(transport=vetted_transport(allowed_hosts=(served.host,)), follow_redirects=True, trust_env=False) as http,
        pytest.raises(RedirectRefused),
    ):
        http.get(served.url)
    assert len(served.heads) == 1


def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(b"direct")) as served:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        with client(served.host) as http:
            assert http.get(served.url).content == b"direct"


def test_tls_asks_for_the_name_not_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str | None] = []

    class Stream(httpcore.NetworkStream):
        def start_tls(
            self, ssl_context: object, server_hostname: str | None = None, timeout: float | None = None
        ) -> httpcore.NetworkStream:
            names.append(server_hostname)
            raise httpcore.ConnectError("enough")

        def close(self) -> None:
            return

    connect: Callable[..., httpcore.NetworkStream] = lambda *_, **__: Stream()  # noqa: E731
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("8.8.8.8", 443))])
    with client() as http, pytest.raises(httpx.ConnectError):
        http.get("https://git.example/")
    assert names == ["git.example"]
