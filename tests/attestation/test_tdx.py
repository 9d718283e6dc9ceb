"""Every step of the `tdx` procedure: fake evidence that passes, and for each reason one override that turns its own row red."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from kettle_web.attestation.anchors import TEST
from kettle_web.attestation.formats.event_log import Event, event_log_encode
from kettle_web.attestation.formats.pem import pem_chain_encode
from tests.fakes import amd, intel

from .conftest import Run, run_procedure

AUTHORITY = intel.authority_mint()


def run_tdx(platform: str = "tdx", **overrides: Any) -> Run:
    return run_evidence(intel.tdx_evidence(intel.quote_mint(AUTHORITY, **overrides)), platform)


def run_evidence(evidence: dict[str, Any], platform: str = "tdx", **extra: Any) -> Run:
    return run_procedure(platform, evidence, **({"anchors": AUTHORITY.anchor_set, "now": intel.NOW} | extra))


@pytest.mark.parametrize("platform", ["tdx", "gcp-tdx", "dstack"])
def test_fake_evidence_passes_every_required_step(platform: str) -> None:
    run = run_tdx(platform)
    assert run.red == {}
    assert run.outcomes[f"{platform}.collateral.lists"] == "collateral.not-given"
    assert run.context.signed_data == b"\x11" * 64
    assert run.context.anchor is AUTHORITY.anchor
    assert len(run.context.validity) == 3


def test_claims_say_what_the_quote_says() -> None:
    claims = run_tdx().context.claims
    assert claims["measurement"] == claims["mr_td"] == "22" * 48
    assert claims["rtmrs"] == [f"{value:02x}" * 48 for value in (0x30, 0x31, 0x32, 0x33)]
    assert claims["td_attributes"] == {
        "debug": False, "sept_ve_disable": True, "migratable": False, "pks": False, "key_locker": False, "perfmon": False,
    }  # fmt: skip
    assert (claims["debug"], claims["fmspc"], claims["chip_id"], claims["pceid"]) == (False, intel.FMSPC.hex(), "aa" * 16, "0000")
    assert claims["tcb"]["reported"] == {"components": [2] * 16, "pcesvn": 13}
    assert (claims["pck"]["ca"], claims["pck"]["smt"], claims["qe"]["isvsvn"]) == ("platform", True, 4)


def test_quote_of_version_5_passes_with_both_bodies() -> None:
    assert run_tdx(version=5).red == {}
    run = run_tdx(version=5, body={"tee_tcb_svn2": b"\6" * 16, "mr_servicetd": b"\x44" * 48})
    assert run.red == {}
    assert run.context.claims["mr_servicetd"] == "44" * 48


def test_test_anchor_makes_it_a_test() -> None:
    authority = intel.authority_mint(kind=TEST)
    run = run_evidence(intel.tdx_evidence(intel.quote_mint(authority)), anchors=authority.anchor_set)
    assert run.context.anchor is not None
    assert run.context.anchor.kind == TEST


def test_chip_key_of_the_processor_authority_passes() -> None:
    name = intel.name_encode("Intel SGX PCK Processor CA")
    run = run_tdx(intermediate={"subject": name}, pck={"issuer": name, "sgx": {"instance": None, "without": (7,)}})
    assert run.red == {}
    assert run.context.claims["pck"]["ca"] == "processor"


@pytest.mark.parametrize(
    ("overrides", "step", "code"),
    [
        ({"tee_type": 0}, "quote.header", "quote.tee-type"),
        ({"key_type": 3}, "quote.header", "quote.key-type"),
        ({"qe_vendor_id": bytes(16)}, "quote.header", "quote.vendor"),
        ({"version": 3}, "quote.parse", "quote.version"),
        ({"certification_type": 5}, "quote.structure", "quote.certification"),
        ({"chain_type": 6}, "quote.structure", "quote.chain-type"),
        ({"after_chain": b"\0"}, "quote.structure", "quote.after-chain"),
        ({"after_certification": b"\0"}, "quote.structure", "quote.after-certification"),
        ({"trailing": bytes(69) + b"\1"}, "quote.structure", "quote.trailing"),
        ({"body": {"td_attributes": b"\1" + bytes(7)}}, "quote.debug", "quote.debug"),
        ({"body": {"td_attributes": b"\2" + bytes(7)}}, "quote.attributes", "quote.attributes.tud"),
        ({"body": {"mrsigner_seam": bytes(47) + b"\1"}}, "quote.attributes", "quote.attributes.mrsigner-seam"),
        ({"body": {"seam_attributes": bytes(7) + b"\1"}}, "quote.attributes", "quote.attributes.seam"),
        ({"late": {"signature": bytes(64)}}, "quote.signature", "quote.signature"),
        ({"late": {"signature": b"\xff" * 64}}, "quote.signature", "quote.signature"),
        ({"late": {"attestation_key": intel.point(intel.key("other"))}}, "qe.key", "qe.key"),
        ({"late": {"qe_signature": bytes(64)}}, "qe.signature", "qe.signature"),
        ({"late": {"qe_auth_data": bytes(32)}}, "qe.key", "qe.key"),
        ({"qe": {"report_data": bytes(64)}}, "qe.key", "qe.key"),
        ({"qe": {"attributes": b"\x17" + intel.QE.attributes[1:]}}, "qe.debug", "qe.debug"),
        ({"pck": {"signer": intel.key("other")}}, "pck.signature", "pck.signature"),
        ({"pck": {"issuer": intel.name_encode("Somebody")}}, "pck.signature", "pck.issuer"),
        ({"pck": {"not_after": intel.NOT_BEFORE}}, "pck.validity", "pck.validity.expired"),
        ({"pck": {"not_before": intel.NOT_AFTER}}, "pck.validity", "pck.validity.early"),
        ({"pck": {"extensions": ()}}, "pck.parse", "pck.extension"),
        ({"pck": {"extensions": (*intel.constraints(authority=True), intel.sgx_extension())}}, "pck.parse", "pck.authority"),
        ({"pck": {"extensions": (intel.sgx_extension(), (b"\x06\x01\x2a", True, b""))}}, "pck.parse", "certificate.extension"),
        ({"pck": {"algorithm": amd.PSS_SHA384}}, "pck.parse", "certificate.algorithm"),
        ({"pck": {"sgx": {"without": (4,)}}}, "pck.parse", "pck.extension"),
        ({"pck": {"sgx": {"fmspc": bytes(5)}}}, "pck.parse", "pck.extension"),
        ({"pck": {"sgx": {"components": (2,) * 15 + (256,)}}}, "pck.parse", "pck.extension"),
        ({"pck": {"sgx": {"components": (2,) * 15}}}, "pck.parse", "pck.extension"),
        ({"pck": {"sgx": {"pcesvn": 1 << 16}}}, "pck.parse", "pck.extension"),
        ({"pck": {"sgx": {"flag": 1}}}, "pck.parse", "pck.extension"),
        ({"pck": {"sgx": {"more": bytes.fromhex("3005060129") + b"\5\0"}}}, "pck.parse", "pck.extension"),
        ({"pck": {"spki": amd.spki_encode(amd.chip_key_published().public_key())}}, "qe.signature", "key.p256"),
        ({"intermediate": {"signer": intel.key("other")}}, "chain.intermediate", "chain.intermediate.signature"),
        ({"intermediate": {"issuer": intel.name_encode("Somebody")}}, "chain.intermediate", "chain.intermediate.issuer"),
        ({"intermediate": {"subject": intel.name_encode("Somebody")}}, "chain.intermediate", "chain.intermediate.name"),
        ({"intermediate": {"extensions": ()}}, "chain.intermediate", "chain.intermediate.authority"),
        ({"intermediate": {"extensions": intel.constraints(authority=False)}}, "chain.intermediate", "chain.intermediate.authority"),
        ({"intermediate": {"not_after": intel.NOT_BEFORE}}, "chain.validity", "chain.validity.expired"),
        ({"chain": (*intel.chain_mint(AUTHORITY)[:2], intel.authority_mint("other").root)}, "chain.root", "chain.root.unknown"),
        ({"chain": intel.chain_mint(AUTHORITY)[:2]}, "pck.parse", "pck.chain-length"),
        ({"chain": (*intel.chain_mint(AUTHORITY), AUTHORITY.root)}, "pck.parse", "pck.chain-length"),
    ],
)
def test_one_override_fails_its_own_step(overrides: dict[str, Any], step: str, code: str) -> None:
    assert run_tdx(**overrides).red == {f"tdx.{step}": code}


def test_attestation_key_that_is_no_point_fails() -> None:
    vouched = hashlib.sha256(b"\1" * 64 + intel.QE_AUTH_DATA).digest() + bytes(32)
    run = run_tdx(qe={"report_data": vouched}, late={"attestation_key": b"\1" * 64})
    assert run.red == {"tdx.quote.signature": "key.p256"}


def test_second_half_of_the_enclave_s_report_data_must_be_zero() -> None:
    vouched = hashlib.sha256(intel.point(intel.key("attestation")) + intel.QE_AUTH_DATA).digest() + bytes(31) + b"\1"
    assert run_tdx(qe={"report_data": vouched}).red == {"tdx.qe.key": "qe.key-tail"}


def test_attributes_that_are_only_reported_pass() -> None:
    bits = (1 << 29 | 1 << 30 | 1 << 31 | 1 << 63).to_bytes(8, "little")
    run = run_tdx(body={"td_attributes": bits})
    assert run.red == {}
    assert [name for name, on in run.context.claims["td_attributes"].items() if on] == ["migratable", "pks", "key_locker", "perfmon"]


def test_foreign_quote_gives_neither_claims_nor_signed_data() -> None:
    run = run_tdx(pck={"signer": intel.key("other")})
    assert run.context.signed_data is None
    assert run.context.anchor is None
    assert run.context.claims == {}


def test_changed_body_gives_no_signed_data() -> None:
    run = run_tdx(late={"signature": bytes(64)})
    assert run.context.signed_data is None
    assert "measurement" not in run.context.claims


@pytest.mark.parametrize("days", [-600, 2600])
def test_time_outside_the_dates_fails_and_says_so(days: int) -> None:
    run = run_evidence(intel.tdx_evidence(intel.quote_mint(AUTHORITY)), now=intel.NOW + timedelta(days=days))
    assert set(run.red) == {"tdx.pck.validity", "tdx.chain.validity"}
    assert run.context.signed_data is not None


PEM = pem_chain_encode(intel.chain_mint(AUTHORITY))


@pytest.mark.parametrize("tail", [b"", b"\0"])
def test_chain_may_end_with_one_zero_byte(tail: bytes) -> None:
    assert run_tdx(late={"chain": PEM + tail}).red == {}


@pytest.mark.parametrize(
    "chain",
    [PEM + b"\0\0", PEM + b"\n", b"\n" + PEM, PEM[:-1], PEM.replace(b"\n", b"\r\n"), PEM.replace(b"\n", b"", 2), b"", b"\0", b"x" * 40_000,
     PEM.replace(b"=\n", b"\n"), PEM.replace(b"-----END", b"\n-----END", 1)],
)  # fmt: skip
def test_chain_in_another_form_of_pem_is_refused(chain: bytes) -> None:
    assert run_tdx(late={"chain": chain}).red in ({"tdx.pck.parse": "pem"}, {"tdx.pck.parse": "pem.too-large"})


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        ({}, "encoding.not-text"),
        ({"quote": None}, "encoding.not-text"),
        ({"quote": "!"}, "encoding.base64"),
        ({"quote": "AA=="}, None),
        ({"quote": "AA==", "more": 1}, "evidence.unknown-key"),
        ({"quote": "AA==", "cc_eventlog": 1}, "encoding.not-text"),
        ({"quote": "AA==", "cc_eventlog": None}, None),
    ],
)
def test_evidence_object_is_read_strictly(evidence: dict[str, Any], code: str | None) -> None:
    expected = {"tdx.evidence": code} if code else {"tdx.quote.parse": "quote.length"}
    assert run_evidence(evidence).red == expected


@pytest.mark.parametrize(
    ("at", "value", "code"),
    [(632, b"\xff\xff\xff\xff", "quote.truncated"), (632, b"\x80\0\0\0", "quote.truncated"), (632, bytes(4), "quote.truncated"),
     (766, b"\xff\xff\0\0", "quote.truncated"), (1218, b"\xff\xff", "quote.truncated"), (0, b"\5\0", "quote.body")],
)  # fmt: skip
def test_size_that_leads_past_its_part_is_refused(at: int, value: bytes, code: str) -> None:
    quote = bytearray(intel.quote_mint(AUTHORITY))
    quote[at : at + len(value)] = value
    assert run_evidence(intel.tdx_evidence(bytes(quote))).red == {"tdx.quote.parse": code}


def registers(*events: Event) -> dict[str, bytes]:
    values = [bytes(48)] * 4
    for event in events:
        values[event.register - 1] = hashlib.sha384(values[event.register - 1] + (event.sha384 or b"")).digest()
    return {f"rtmr{index}": value for index, value in enumerate(values)}


EVENTS = tuple(Event(register, 0x80000001, bytes((register, n)) * 24) for register in (1, 2, 3, 4) for n in (1, 2))


@pytest.mark.parametrize("platform", ["tdx", "gcp-tdx"])
def test_event_log_that_gives_the_registers_passes(platform: str) -> None:
    quote = intel.quote_mint(AUTHORITY, body=registers(*EVENTS))
    run = run_evidence(intel.tdx_evidence(quote, event_log_encode(EVENTS, b"what it was")), platform)
    assert run.outcomes[f"{platform}.event-log"] == "pass"
    assert run.context.claims["event_log"] == {"events": 8, "rtmr3_matches": True}


@pytest.mark.parametrize("index", [0, 1, 2])
def test_event_log_that_gives_another_register_fails(index: int) -> None:
    quote = intel.quote_mint(AUTHORITY, body=registers(*EVENTS) | {f"rtmr{index}": bytes(48)})
    run = run_evidence(intel.tdx_evidence(quote, event_log_encode(EVENTS)))
    assert run.outcomes["tdx.event-log"] == f"event-log.rtmr{index}"


def test_register_3_is_only_reported() -> None:
    quote = intel.quote_mint(AUTHORITY, body=registers(*EVENTS) | {"rtmr3": bytes(48)})
    run = run_evidence(intel.tdx_evidence(quote, event_log_encode(EVENTS)))
    assert run.outcomes["tdx.event-log"] == "pass"
    assert run.context.claims["event_log"]["rtmr3_matches"] is False


def test_event_data_never_becomes_a_claim() -> None:
    quote = intel.quote_mint(AUTHORITY, body=registers(*EVENTS))
    run = run_evidence(intel.tdx_evidence(quote, event_log_encode(EVENTS, b"kernel: good")))
    assert "kernel" not in str(run.context.claims)


def test_dstack_quote_may_be_hex_or_base64() -> None:
    quote = intel.quote_mint(AUTHORITY)
    for text in (quote.hex(), quote.hex().upper(), base64.b64encode(quote).decode()):
        assert run_evidence({"quote": text, "event_log": "x", "vm_config": "{}", "more": 1}, "dstack").red == {}


@pytest.mark.parametrize("evidence", [{"quote": "00", "event_log": 1}, {"quote": "00", "vm_config": []}])
def test_dstack_s_unread_fields_must_be_text(evidence: dict[str, Any]) -> None:
    assert run_evidence(evidence, "dstack").red == {"dstack.evidence": "evidence.not-text"}


def test_short_hex_is_base64_for_dstack() -> None:
    assert run_evidence({"quote": "00" * 631}, "dstack").red == {"dstack.evidence": "encoding.base64"}
