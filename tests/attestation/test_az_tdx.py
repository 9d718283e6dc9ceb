"""Every step of the `az-tdx` procedure that neither `tdx` nor `az-snp` has: one override that turns its own row red, per reason."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.fakes import hcl, intel, tpm

from .conftest import Run, run_procedure

AUTHORITY = intel.authority_mint()


def run_az(**overrides: Any) -> Run:
    return run_procedure("az-tdx", intel.az_tdx_evidence(AUTHORITY, **overrides), anchors=AUTHORITY.anchor_set, now=intel.NOW)


def test_fake_evidence_passes_every_required_step() -> None:
    run = run_az()
    assert run.red == {}
    assert run.context.signed_data == b"\x55" * 48
    assert run.context.claims["pcrs"] == [value.hex() for value in tpm.PCRS]
    assert run.context.claims["measurement"] == "22" * 48
    assert run.context.claims["vm"]["secure_boot"] is True


def test_what_only_the_machine_can_check_may_be_anything() -> None:
    assert run_az(tdreport={"cpusvn": b"\xee" * 16, "mac": b"\xee" * 32}).red == {}


def test_sept_ve_disable_is_not_demanded() -> None:
    run = run_az(body={"td_attributes": bytes(8)})
    assert run.red == {}
    assert run.context.claims["td_attributes"]["sept_ve_disable"] is False


SAME = (
    "tee_tcb_svn", "mr_seam", "mrsigner_seam", "td_attributes", "xfam", "mr_td", "mr_config_id", "mr_owner", "mr_owner_config", "rtmr0",
    "rtmr1", "rtmr2", "rtmr3", "report_data",
)  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_processor_s_report_that_differs_from_the_quote_fails(name: str) -> None:
    other = b"\xee" * len(getattr(intel.BODY, name))
    assert run_az(tdreport={name: other}).red == {"az-tdx.tdreport.match": f"tdreport.match.{name.replace('_', '-')}"}


@pytest.mark.parametrize(
    ("overrides", "step", "code"),
    [
        ({"version": 2}, "version", "evidence.version"),
        ({"td_quote": {"late": {"signature": bytes(64)}}}, "quote.signature", "quote.signature"),
        ({"td_quote": {"pck": {"signer": intel.key("other")}}}, "pck.signature", "pck.signature"),
        ({"paravisor": {"header_version": 1}}, "hcl.fields", "hcl.fields.header-version"),
        ({"paravisor": {"report_type": 2}}, "hcl.type", "hcl.type"),
        ({"tdreport": {"report_type": 0}}, "tdreport.form", "tdreport.type"),
        ({"tdreport": {"reserved_001": bytes(14) + b"\1"}}, "tdreport.form", "tdreport.reserved"),
        ({"tdreport": {"reserved_192": bytes(31) + b"\1"}}, "tdreport.form", "tdreport.reserved"),
        ({"tdreport": {"reserved_495": bytes(16) + b"\1"}}, "tdreport.form", "tdreport.reserved"),
        ({"rest": bytes(159) + b"\1"}, "tdreport.form", "tdreport.reserved"),
        ({"tdreport": {"tcb_info_hash": bytes(48)}}, "tdreport.form", "tdreport.tcb-info"),
        ({"tdreport": {"td_info_hash": bytes(48)}}, "tdreport.form", "tdreport.td-info"),
        ({"body": {"report_data": bytes(64)}}, "binding", "binding.digest"),
        ({"quote": {"key": tpm.attestation_key(1)}}, "tpm.signature", "tpm.signature"),
        ({"quote": {"pcr_digest": bytes(32)}}, "tpm.pcrs", "tpm.pcrs"),
        ({"quote": {"trailing": b"\0"}}, "tpm.structure", "tpm.trailing"),
        ({"var_data": b"{}"}, "ak", "hcl.keys"),
    ],
)
def test_one_override_fails_its_own_step(overrides: dict[str, Any], step: str, code: str) -> None:
    assert run_az(**overrides).red == {f"az-tdx.{step}": code}


def test_second_half_of_report_data_must_be_zero() -> None:
    data = hashlib.sha256(hcl.var_data_mint()).digest() + bytes(31) + b"\1"
    assert run_az(body={"report_data": data}).red == {"az-tdx.binding": "binding.tail"}


def test_forged_json_gives_no_signed_data() -> None:
    genuine = hashlib.sha256(hcl.var_data_mint()).digest() + bytes(32)
    modulus = tpm.attestation_key(1).public_key().public_numbers().n.to_bytes(256, "big")
    forged = hcl.var_data_mint([hcl.ak_jwk(n=hcl.base64url(modulus))])
    run = run_az(var_data=forged, body={"report_data": genuine}, quote={"key": tpm.attestation_key(1)})
    assert run.red == {"az-tdx.binding": "binding.digest"}
    assert run.context.signed_data is None


@pytest.mark.parametrize(("value", "code"), [(None, "encoding.not-text"), ("AA=", "encoding.base64url"), ("A", "encoding.base64url")])
def test_quote_of_another_form_is_refused(value: object, code: str) -> None:
    evidence = intel.az_tdx_evidence(AUTHORITY) | {"td_quote": value}
    run = run_procedure("az-tdx", evidence, anchors=AUTHORITY.anchor_set, now=intel.NOW)
    assert run.red == {"az-tdx.evidence": code}


def test_amd_s_report_under_this_tag_fails() -> None:
    report = {"magic": b"HCLA", "header_version": 1, "report_type": 2}
    assert set(run_az(paravisor=report).red) == {"az-tdx.hcl.fields", "az-tdx.hcl.type"}
