"""Every step about Intel's collateral: what passes, and for each reason one override that turns its own row red."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.attestation.collateral import Collateral, IntelCollateral, collateral_parse
from kettle_web.attestation.formats.pem import pem_chain_encode
from kettle_web.attestation.platforms import procedure_for
from tests.attestation.conftest import Run, run_procedure, sample_bytes, unhurried
from tests.fakes import amd, intel
from tests.fakes import intel_lists as lists

AUTHORITY = intel.authority_mint()
STEPS = tuple(step.code for step in procedure_for("tdx").steps if step.rests_on_collateral)
EARLIER = datetime(2026, 4, 1, tzinfo=UTC)


@cache
def quote() -> bytes:
    return intel.quote_mint(AUTHORITY)


def run_with(collateral: IntelCollateral | None) -> Run:
    source = Collateral(intel=collateral)
    return run_procedure("tdx", intel.tdx_evidence(quote()), anchors=AUTHORITY.anchor_set, now=intel.NOW, collateral=source)


def found(run: Run) -> dict[str, str]:
    """The steps about collateral that were run and did not pass."""
    return {code.removeprefix("tdx."): run.outcomes[code] for code in STEPS if run.outcomes[code] not in ("pass", "not-run")}


def test_fake_collateral_passes_and_becomes_claims() -> None:
    collateral = lists.collateral_mint(AUTHORITY)
    run = run_with(collateral)
    assert found(run) == {}
    assert {run.outcomes[code] for code in STEPS} == {"pass"}
    claims = run.context.claims
    assert (claims["tcb_status"], claims["advisories"], claims["qe_status"]) == ("UpToDate", [], "UpToDate")
    assert run.context.collateral_used == Collateral(intel=collateral)
    assert len(run.context.validity) == 3 + 6


def test_no_collateral_could_not_be_checked() -> None:
    assert found(run_with(None)) == {"collateral.lists": "collateral.none"}
    run = run_procedure("tdx", intel.tdx_evidence(quote()), anchors=AUTHORITY.anchor_set, now=intel.NOW)
    assert found(run) == {"collateral.lists": "collateral.not-given"}
    assert run.red == {}


def test_outdated_firmware_is_shown_with_its_advisories() -> None:
    levels = [lists.level(svn=3), lists.level("OutOfDate", advisories=("INTEL-SA-00001",))]
    run = run_with(lists.collateral_mint(AUTHORITY, tcb={"tcbLevels": levels}))
    assert found(run) == {}
    assert (run.context.claims["tcb_status"], run.context.claims["advisories"]) == ("OutOfDate", ["INTEL-SA-00001"])


OTHER_CHAIN = pem_chain_encode((lists.signer_mint(AUTHORITY), intel.authority_mint("other").root)).decode()
FORGED_ISSUER = pem_chain_encode((AUTHORITY.intermediate_mint(intel.key("other")), AUTHORITY.root)).decode()
OTHER_ISSUER = pem_chain_encode((
    AUTHORITY.intermediate_mint(spki=amd.spki_encode(intel.key("other").public_key())), AUTHORITY.root,
)).decode()  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "step", "code"),
    [
        ({"tcb": {"fmspc": "00" * 6}}, "collateral.lists", "collateral.other-family"),
        ({"tcb": {"pceId": "0100"}}, "collateral.lists", "collateral.other-family"),
        ({"tcb": {"id": "SGX"}}, "collateral.lists", "lists.fields"),
        ({"tcb": {"version": 2}}, "collateral.lists", "lists.fields"),
        ({"tcb": {"version": True}}, "collateral.lists", "lists.fields"),
        ({"tcb": {"fmspc": "00"}}, "collateral.lists", "lists.fields"),
        ({"tcb": {"nextUpdate": "soon"}}, "collateral.lists", "lists.fields"),
        ({"identity": {"id": "QE"}}, "collateral.lists", "lists.fields"),
        ({"identity": {"tcbLevels": []}}, "collateral.lists", "lists.fields"),
        ({"identity": {"tcbLevels": [{"tcb": {}}]}}, "collateral.lists", "lists.fields"),
        ({"identity": {"tcbLevels": [lists.qe_level(isvsvn=-1)]}}, "collateral.lists", "lists.fields"),
        ({"tcb_info": "[]"}, "collateral.lists", "lists.fields"),
        ({"tcb_info": "{"}, "collateral.lists", "encoding.json"),
        ({"tcb_info": '{"id":1,"id":1}'}, "collateral.lists", "encoding.duplicate-key"),
        ({"tcb_info": '{"a":"\ud800"}'}, "collateral.lists", "lists.not-ascii"),
        ({"qe_identity": '{"a":"é"}'}, "collateral.lists", "lists.not-ascii"),
        ({"pck_crl_issuer_chain": "\ud800"}, "collateral.lists", "lists.not-ascii"),
        ({"tcb_info_issuer_chain": "é"}, "collateral.lists", "lists.not-ascii"),
        ({"tcb_info_signature": bytes(63)}, "collateral.lists", "lists.signature"),
        ({"tcb_info_issuer_chain": "x"}, "collateral.lists", "pem"),
        ({"tcb_info_issuer_chain": pem_chain_encode((AUTHORITY.root,)).decode()}, "collateral.lists", "lists.chain"),
        ({"pck_crl": {"version": 0}}, "collateral.lists", "crl.version"),
        ({"pck_crl": {"algorithm": amd.PSS_SHA384}}, "collateral.lists", "crl.algorithm"),
        ({"pck_crl": {"critical": True}}, "collateral.lists", "crl.extension"),
        ({"tcb_info_signature": bytes(64)}, "collateral.signatures", "collateral.signature"),
        ({"tcb_info": lists.tcb_info() + " "}, "collateral.signatures", "collateral.signature"),
        ({"qe_identity_signature": bytes(64)}, "collateral.signatures", "collateral.signature"),
        ({"qe_identity": lists.qe_identity() + " "}, "collateral.signatures", "collateral.signature"),
        ({"tcb_info_issuer_chain": OTHER_CHAIN}, "collateral.signatures", "collateral.root"),
        ({"qe_identity_issuer_chain": OTHER_CHAIN}, "collateral.signatures", "collateral.root"),
        ({"pck_crl_issuer_chain": OTHER_CHAIN}, "collateral.signatures", "collateral.root"),
        ({"pck_crl_issuer_chain": OTHER_ISSUER}, "collateral.signatures", "collateral.crl-issuer"),
        ({"pck_crl_issuer_chain": FORGED_ISSUER}, "collateral.signatures", "collateral.crl-issuer-signature"),
        ({"signer": {"signer": intel.key("other")}}, "collateral.signatures", "collateral.signer-signature"),
        ({"signer": {"issuer": intel.name_encode("Somebody")}}, "collateral.signatures", "collateral.signer"),
        ({"signer": {"subject": intel.name_encode("Somebody")}}, "collateral.signatures", "collateral.signer"),
        ({"signer": {"extensions": intel.constraints(authority=True)}}, "collateral.signatures", "collateral.signer"),
        ({"pck_crl": {"signer": intel.key("other")}}, "collateral.signatures", "collateral.crl-signature"),
        ({"pck_crl": {"issuer": intel.name_encode("Somebody")}}, "collateral.signatures", "collateral.crl-issuer"),
        ({"root_crl": {"signer": intel.key("other")}}, "collateral.signatures", "collateral.crl-signature"),
        ({"root_crl": {"issuer": intel.name_encode("Somebody")}}, "collateral.signatures", "collateral.crl-issuer"),
        ({"pck_crl": {"serials": (1, 0x3001)}}, "revocation", "revocation.revoked"),
        ({"root_crl": {"serials": (0x2001,)}}, "revocation", "revocation.revoked"),
        ({"root_crl": {"serials": (0x4001,)}}, "revocation", "revocation.revoked"),
        ({"identity": {"mrsigner": "00" * 32}}, "qe.identity", "qe.signer"),
        ({"identity": {"isvprodid": 1}}, "qe.identity", "qe.product"),
        ({"identity": {"miscselect": "01000000"}}, "qe.identity", "qe.miscselect"),
        ({"identity": {"attributes": "15" + "00" * 15}}, "qe.identity", "qe.attributes"),
        ({"identity": {"tcbLevels": [lists.qe_level(isvsvn=5)]}}, "qe.identity", "qe.revoked"),
        ({"identity": {"tcbLevels": [lists.qe_level("Revoked")]}}, "qe.identity", "qe.revoked"),
        ({"tcb": {"tcbLevels": [lists.level("Revoked")]}}, "tcb-status", "tcb.revoked"),
        ({"tcb": {"tcbLevels": [lists.level(svn=3)]}}, "tcb-status", "tcb.no-level"),
        ({"tcb": {"tdxModuleIdentities": []}}, "tcb-status", "tcb.refused"),
        ({"tcb": {"tcbLevels": "x"}}, "tcb-status", "tcb.refused"),
    ],
)
def test_one_override_fails_its_own_step(overrides: dict[str, Any], step: str, code: str) -> None:
    run = run_with(lists.collateral_mint(AUTHORITY, **overrides))
    assert found(run) == {step: code}
    assert run.red == {}


PAST = {"issueDate": lists.time_text(EARLIER), "nextUpdate": lists.time_text(EARLIER + timedelta(days=30))}


@pytest.mark.parametrize(
    ("overrides", "rows"),
    [
        ({"tcb": PAST}, {"collateral.validity": "collateral.expired"}),
        ({"identity": PAST}, {"collateral.validity": "collateral.expired"}),
        ({"tcb": {"issueDate": "2026-06-02T00:00:00Z"}}, {"collateral.validity": "collateral.early"}),
        ({"signer": {"not_after": EARLIER}}, {"collateral.validity": "collateral.expired"}),
        (
            {"pck_crl": {"next_update": EARLIER, "this_update": EARLIER}},
            {"collateral.validity": "collateral.expired", "revocation": "collateral.expired"},
        ),
        (
            {"root_crl": {"next_update": EARLIER, "this_update": EARLIER}},
            {"collateral.validity": "collateral.expired", "revocation": "collateral.expired"},
        ),
        (
            {"pck_crl": {"next_update": EARLIER, "this_update": EARLIER, "serials": (0x3001,)}},
            {"collateral.validity": "collateral.expired", "revocation": "revocation.revoked"},
        ),
    ],
)
def test_lists_out_of_their_dates_could_not_be_checked_but_still_revoke(overrides: dict[str, Any], rows: dict[str, str]) -> None:
    assert found(run_with(lists.collateral_mint(AUTHORITY, **overrides))) == rows


@pytest.mark.parametrize("name", ["tcb_info", "qe_identity"])
@unhurried
@given(text=st.text(max_size=60) | st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: st.dictionaries(st.sampled_from(["id", "version", "tcbLevels", "tcb"]), inner | st.lists(inner)),
).map(json.dumps))  # fmt: skip
def test_any_text_as_a_list_is_refused(name: str, text: str) -> None:
    run = run_with(replace(lists.collateral_mint(AUTHORITY), **{name: text}))
    assert set(found(run)) <= {"collateral.lists", "collateral.signatures"}
    assert found(run)


@unhurried
@given(data=st.binary(max_size=300), name=st.sampled_from(["pck_crl", "root_ca_crl", "tcb_info_signature"]))
def test_any_bytes_in_collateral_raise_only_our_errors(data: bytes, name: str) -> None:
    assert found(run_with(replace(lists.collateral_mint(AUTHORITY), **{name: data})))


REAL = "evidence/az-tdx-without-envelope"


def run_real(seconds: int, **overrides: Any) -> Run:
    collateral = collateral_parse(sample_bytes(f"{REAL}.collateral.json"))
    assert collateral.intel is not None
    source = Collateral(intel=replace(collateral.intel, **overrides))
    return run_procedure("az-tdx", json.loads(sample_bytes(f"{REAL}.json")), now=datetime.fromtimestamp(seconds, UTC), collateral=source)


def test_real_collateral_says_up_to_date_in_its_time() -> None:
    run = run_real(1_775_000_000)
    assert set(run.outcomes.values()) == {"pass"}
    assert (run.context.claims["tcb_status"], run.context.claims["advisories"]) == ("UpToDate", [])


def test_real_collateral_expired_later() -> None:
    run = run_real(1_780_000_000)
    assert run.outcomes["az-tdx.collateral.validity"] == run.outcomes["az-tdx.revocation"] == "collateral.expired"
    assert run.outcomes["az-tdx.tcb-status"] == "not-run"
    assert run.red == {}


@pytest.mark.parametrize("name", ["root_ca_crl", "pck_crl", "tcb_info_signature", "qe_identity_signature"])
def test_flipped_byte_of_real_collateral_is_noticed(name: str) -> None:
    collateral = collateral_parse(sample_bytes(f"{REAL}.collateral.json")).intel
    data = getattr(collateral, name)
    for at in range(0, len(data), max(1, len(data) // 40)):
        run = run_real(1_775_000_000, **{name: data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]})
        assert run.outcomes["az-tdx.tcb-status"] == "not-run", at


@pytest.mark.parametrize("name", ["tcb_info", "qe_identity", "tcb_info_issuer_chain", "pck_crl_issuer_chain", "qe_identity_issuer_chain"])
def test_changed_character_of_real_collateral_is_noticed(name: str) -> None:
    collateral = collateral_parse(sample_bytes(f"{REAL}.collateral.json")).intel
    text = getattr(collateral, name)
    for at in range(0, len(text.rstrip()), max(1, len(text) // 40)):
        run = run_real(1_775_000_000, **{name: text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]})
        assert run.outcomes["az-tdx.tcb-status"] == "not-run", at


def test_quote_of_version_5_matches_no_level_of_its_family() -> None:
    collateral = collateral_parse(sample_bytes(f"{REAL}.collateral.json"))
    evidence = intel.tdx_evidence(sample_bytes("evidence/tdx-quote-v5.bin"))
    run = run_procedure("tdx", evidence, now=datetime.fromtimestamp(1_775_000_000, UTC), collateral=collateral)
    assert run.red == {}
    assert run.outcomes["tdx.tcb-status"] == "tcb.no-level"
