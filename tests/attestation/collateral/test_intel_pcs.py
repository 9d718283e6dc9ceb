"""Intel's service on loopback: addresses, what is kept and for how long, and every answer that is not what was asked for."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.attestation.checks import Malformed
from kettle_web.attestation.collateral import CollateralMissing, IntelCollateral
from kettle_web.attestation.collateral.cache import MemoryCache
from kettle_web.attestation.collateral.fetch import Fetcher, transport_make
from kettle_web.attestation.collateral.intel_pcs import ROOT_CRL, IntelPcs, crl_bytes, signed_text_split
from kettle_web.attestation.collateral.kds import AmdKds
from kettle_web.attestation.collateral.vendors import VendorServices
from tests.attestation.collateral.test_kds import Clock, Service, serving
from tests.attestation.conftest import run_procedure, unhurried
from tests.fakes import intel
from tests.fakes import intel_lists as lists

AUTHORITY = intel.authority_mint()
COLLATERAL = lists.collateral_mint(AUTHORITY)
Reply = tuple[int, dict[str, str], bytes]
TCB, QE, CRL, ROOT = "/tdx/certification/v4/tcb", "/tdx/certification/v4/qe/identity", "/sgx/certification/v4/pckcrl", "rootcacrl"


def genuine(path: str, found: IntelCollateral = COLLATERAL) -> Reply:
    """The four answers that a PCCS gives; its CRLs come in two forms."""
    if path.startswith(TCB):
        body = f'{{"tcbInfo":{found.tcb_info},"signature":"{found.tcb_info_signature.hex()}"}}'
        return 200, {"TCB-Info-Issuer-Chain": quote(found.tcb_info_issuer_chain)}, body.encode()
    if path.startswith(QE):
        body = f'{{"enclaveIdentity":{found.qe_identity},"signature":"{found.qe_identity_signature.hex()}"}}'
        return 200, {"SGX-Enclave-Identity-Issuer-Chain": quote(found.qe_identity_issuer_chain)}, body.encode()
    if path.startswith(CRL):
        return 200, {"SGX-PCK-CRL-Issuer-Chain": quote(found.pck_crl_issuer_chain)}, found.pck_crl
    return 200, {}, found.root_ca_crl.hex().encode()


@contextmanager
def pcs_on(service: Service, clock: Clock | None = None) -> Iterator[IntelPcs]:
    transport = transport_make(allowed_hosts=(f"127.0.0.1:{service.port}",))
    fetcher = Fetcher(MemoryCache(), clock=clock or Clock(intel.NOW), transport=transport, deadline_seconds=5)
    try:
        yield IntelPcs(fetcher, base=service.base + "/")
    finally:
        fetcher.close()


def test_four_questions_give_the_collateral_exactly_as_served() -> None:
    with serving(genuine) as service, pcs_on(service) as pcs:
        assert pcs.intel_for(intel.FMSPC, "platform") == COLLATERAL
        assert service.asked == [
            f"{TCB}?fmspc=90c06f000000", QE, f"{CRL}?ca=platform&encoding=der", "/sgx/certification/v4/rootcacrl",
        ]  # fmt: skip


def test_intel_s_own_service_keeps_the_root_s_list_elsewhere() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url).partition("?")[0])
        status, headers, body = genuine(request.url.path)
        body = COLLATERAL.root_ca_crl if request.url.path.endswith(".der") else body
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    fetcher = Fetcher(MemoryCache(), clock=Clock(intel.NOW), transport=httpx.MockTransport(answer))
    assert IntelPcs(fetcher).intel_for(intel.FMSPC, "processor") == COLLATERAL
    assert asked == [*(f"https://api.trustedservices.intel.com{path}" for path in (TCB, QE, CRL)), ROOT_CRL]
    fetcher.close()


def test_each_answer_is_kept_until_its_own_next_update() -> None:
    clock = Clock(intel.NOW)
    long_lived = lists.collateral_mint(AUTHORITY, root_crl={"next_update": lists.UNTIL + timedelta(days=300)})
    with serving(lambda path: genuine(path, long_lived)) as service, pcs_on(service, clock) as pcs:
        pcs.intel_for(intel.FMSPC, "platform")
        clock.now = lists.UNTIL - timedelta(seconds=1)
        pcs.intel_for(intel.FMSPC, "platform")
        assert len(service.asked) == 4
        clock.now = lists.UNTIL + timedelta(seconds=1)
        pcs.intel_for(intel.FMSPC, "platform")
        assert len(service.asked) == 7
        # The service still gives the old ones: it is not asked with every look.
        clock.now += timedelta(minutes=59)
        pcs.intel_for(intel.FMSPC, "platform")
        assert len(service.asked) == 7
        pcs.intel_for(bytes(6), "processor")
        assert service.asked[7:] == [f"{TCB}?fmspc=000000000000", f"{CRL}?ca=processor&encoding=der"]


def test_fetched_collateral_passes_every_step() -> None:
    with serving(genuine) as service, pcs_on(service) as pcs:
        evidence = intel.tdx_evidence(intel.quote_mint(AUTHORITY))
        run = run_procedure("tdx", evidence, anchors=AUTHORITY.anchor_set, now=intel.NOW, collateral=pcs)
        assert run.outcomes["tdx.tcb-status"] == "pass"
        assert run.context.collateral_used.intel == COLLATERAL


def test_throttled_service_is_a_row_that_could_not_be_checked() -> None:
    with serving(lambda path: (429, {"Retry-After": "60"}, b"")) as service, pcs_on(service) as pcs:
        evidence = intel.tdx_evidence(intel.quote_mint(AUTHORITY))
        for _ in range(2):
            run = run_procedure("tdx", evidence, anchors=AUTHORITY.anchor_set, now=intel.NOW, collateral=pcs)
            assert run.outcomes["tdx.collateral.lists"] == "collateral.throttled"
            assert run.red == {}
        assert len(service.asked) == 1


def changed(place: str, *, status: int = 200, header: str | None = None, body: bytes | None = None) -> Reply:
    found_status, headers, found_body = genuine(place)
    headers = headers if header is None else dict.fromkeys(headers, header)
    return status if status != 200 else found_status, headers, found_body if body is None else body


@pytest.mark.parametrize("place", [TCB, QE, CRL, ROOT])
@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"[" * 100_000, b"\xff", b"0", b"30", b"x" * 4_000_000])
def test_answer_of_another_form_is_refused_and_not_kept(place: str, body: bytes) -> None:
    with serving(lambda path: changed(place, body=body) if place in path else genuine(path)) as service, pcs_on(service) as pcs:
        for _ in range(2):
            with pytest.raises(CollateralMissing) as caught:
                pcs.intel_for(intel.FMSPC, "platform")
            assert caught.value.retry
        assert sum(place in path for path in service.asked) == 2


@pytest.mark.parametrize("place", [TCB, QE, CRL])
@pytest.mark.parametrize("header", ["", "%FF", "x" * 40_000])
def test_answer_without_its_chain_is_refused(place: str, header: str) -> None:
    with serving(lambda path: changed(place, header=header) if place in path else genuine(path)) as service, pcs_on(service) as pcs:
        with pytest.raises(CollateralMissing) as caught:
            pcs.intel_for(intel.FMSPC, "platform")
        assert caught.value.code in ("pcs.chain", "collateral.unreachable")


@pytest.mark.parametrize(("status", "code", "retry"), [(404, "collateral.absent", False), (500, "collateral.refused", True)])
def test_refusals_say_whether_a_retry_helps(status: int, code: str, retry: bool) -> None:
    with serving(lambda path: (status, {}, b"")) as service, pcs_on(service) as pcs:
        with pytest.raises(CollateralMissing) as caught:
            pcs.intel_for(intel.FMSPC, "platform")
        assert (caught.value.code, caught.value.retry) == (code, retry)


def test_nonsense_is_not_asked_for() -> None:
    with serving(genuine) as service, pcs_on(service) as pcs:
        for fmspc, ca in ((b"", "platform"), (intel.FMSPC, ""), (intel.FMSPC, "../x")):
            with pytest.raises(CollateralMissing):
                pcs.intel_for(fmspc, ca)
        for ask in (lambda: pcs.amd_crl_for("milan"), lambda: pcs.amd_vek_for("milan", bytes(64), bytes(8))):
            with pytest.raises(CollateralMissing):
                ask()
        assert service.asked == []


def test_each_vendor_is_asked_for_its_own() -> None:
    with serving(genuine) as service, pcs_on(service) as pcs:
        both = VendorServices(amd=AmdKds(pcs._fetcher, base=service.base), intel=pcs)
        assert both.intel_for(intel.FMSPC, "platform") == COLLATERAL
        for ask in (lambda: both.amd_crl_for("milan"), lambda: both.amd_vek_for("milan", bytes(64), bytes(8))):
            with pytest.raises(CollateralMissing):
                ask()
        assert [path for path in service.asked if "vcek" in path]


def test_text_is_taken_out_exactly_as_served() -> None:
    assert signed_text_split("x", b' { "x" : {"a": 1,  "b":"}\\""} , "signature" : "' + b"aB" * 64 + b'" }\n') == (
        '{"a": 1,  "b":"}\\""}', "ab" * 64,
    )  # fmt: skip


@unhurried
@given(
    st.binary(max_size=100) | st.text(max_size=60).map(lambda text: f'{{"x":{{"a":"{text}"}},"signature":"'.encode() + b"0" * 128 + b'"}')
)
def test_any_body_raises_only_the_parse_error(body: bytes) -> None:
    with contextlib.suppress(Malformed):
        signed_text_split("x", body)
    with contextlib.suppress(Malformed):
        crl_bytes(body)


def test_lists_come_as_der_as_hex_and_as_pem() -> None:
    der = COLLATERAL.pck_crl
    pem = b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(der) + b"-----END X509 CRL-----\n"
    assert {crl_bytes(form) for form in (der, der.hex().encode(), der.hex().upper().encode() + b"\n", pem)} == {der}
