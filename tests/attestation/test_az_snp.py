"""Every step of the `az-snp` procedure that `snp` has not: one override that turns its own row red, per reason."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import pytest

from kettle_web.attestation.formats.tpm import PcrSelection
from tests.fakes import amd, hcl, tpm

from .conftest import Run, run_procedure


@cache
def milan() -> amd.Authority:
    return amd.authority_mint("milan")


def run_az(**overrides: Any) -> Run:
    return run_evidence(hcl.az_snp_evidence(milan(), **overrides))


def run_evidence(evidence: dict[str, Any]) -> Run:
    return run_procedure("az-snp", evidence, anchors=milan().anchor_set, now=amd.NOW)


def test_fake_evidence_passes_every_required_step() -> None:
    run = run_az()
    assert run.red == {}
    assert set(run.outcomes.values()) == {"pass", "skipped"}
    assert run.context.signed_data == b"\x55" * 48
    assert run.context.claims["pcrs"] == [value.hex() for value in tpm.PCRS]
    assert run.context.claims["vm"] == {
        "secure_boot": True, "tpm_enabled": True, "console_enabled": False, "vm_unique_id": "5A7A08AC",
    }  # fmt: skip


def test_padded_base64url_passes() -> None:
    evidence = hcl.az_snp_evidence(milan())
    for name in ("hcl_report", "vcek"):
        evidence[name] += "=" * (-len(evidence[name]) % 4)
    assert run_evidence(evidence).red == {}


def test_unknown_keys_are_ignored() -> None:
    evidence = hcl.az_snp_evidence(milan(), more=1)
    evidence["tpm_quote"]["more"] = 2
    assert run_evidence(evidence).red == {}


def test_upper_case_hex_passes() -> None:
    evidence = hcl.az_snp_evidence(milan())
    evidence["tpm_quote"]["message"] = evidence["tpm_quote"]["message"].upper()
    assert run_evidence(evidence).red == {}


@pytest.mark.parametrize(
    ("overrides", "step", "code"),
    [
        ({"version": 2}, "version", "evidence.version"),
        ({"version": True}, "version", "evidence.version"),
        ({"version": 1.0}, "version", "evidence.version"),
        ({"version": "1"}, "version", "evidence.version"),
        ({"version": None}, "version", "evidence.version"),
        ({"tpm_quote": None}, "evidence", "evidence.tpm-quote"),
        ({"tpm_quote": {}}, "evidence", "evidence.pcrs"),
        ({"hcl_report": ""}, "evidence", "hcl.length"),
        ({"hcl_report": "A+"}, "evidence", "encoding.base64url"),
        ({"hcl_report": "AA="}, "evidence", "encoding.base64url"),
        ({"hcl_report": "AB"}, "evidence", "encoding.base64url"),
        ({"hcl_report": "A A"}, "evidence", "encoding.base64url"),
        ({"vcek": 1}, "evidence", "encoding.not-text"),
        ({"vcek": "AAAA"}, "vek.parse", "der"),
        ({"hcl": {"magic": b"HCLB"}}, "hcl.fields", "hcl.fields.magic"),
        ({"hcl": {"header_version": 2}}, "hcl.fields", "hcl.fields.header-version"),
        ({"hcl": {"report_size": 0}}, "hcl.fields", "hcl.fields.report-size"),
        ({"hcl": {"request_type": 1}}, "hcl.fields", "hcl.fields.request-type"),
        ({"hcl": {"status": 1}}, "hcl.fields", "hcl.fields.status"),
        ({"hcl": {"reserved": b"\1" * 12}}, "hcl.fields", "hcl.fields.reserved"),
        ({"hcl": {"block_size": 0}}, "hcl.fields", "hcl.fields.block-size"),
        ({"hcl": {"block_version": 2}}, "hcl.fields", "hcl.fields.block-version"),
        ({"hcl": {"hash_type": 2}}, "hcl.fields", "hcl.fields.hash-type"),
        ({"hcl": {"content_length": 3000}}, "evidence", "hcl.length"),
        ({"hcl": {"padding": b""}}, "hcl.fields", "hcl.fields.length"),
        ({"hcl": {"report_type": 4}}, "hcl.type", "hcl.type"),
        ({"report": {"version": 6}}, "report.version", "report.version"),
        ({"report": {"report_data": bytes(64)}}, "binding", "binding.digest"),
        ({"report": {"vmpl": 1}}, "report.vmpl", "report.vmpl"),
        ({"report": {"policy": 0xB0000}}, "report.debug", "report.debug"),
        ({"vek": {"not_after": amd.NOT_BEFORE}}, "vek.validity", "vek.validity.expired"),
        ({"quote": {"key": tpm.attestation_key(1)}}, "tpm.signature", "tpm.signature"),
        ({"quote": {"pss": True}}, "tpm.signature", "tpm.signature"),
        ({"quote": {"magic": 0xFF544348}}, "tpm.structure", "tpm.magic"),
        ({"quote": {"attest_type": 0x8017}}, "tpm.structure", "tpm.type"),
        ({"quote": {"qualified_signer": b"\x00\x0b" + bytes(31)}}, "tpm.structure", "tpm.signer"),
        ({"quote": {"qualified_signer": b"\x00\x04" + bytes(32)}}, "tpm.structure", "tpm.signer"),
        ({"quote": {"selections": ()}}, "tpm.structure", "tpm.selection"),
        ({"quote": {"selections": (tpm.ALL_SHA256, tpm.ALL_SHA256)}}, "tpm.structure", "tpm.selection"),
        ({"quote": {"selections": (tpm.ALL_SHA256,) * 17}}, "tpm.parse", "tpm.selection"),
        ({"quote": {"selections": (PcrSelection(0x4, b"\xff\xff\xff"),)}}, "tpm.structure", "tpm.bank"),
        ({"quote": {"selections": (PcrSelection(0xB, b"\xff\xff\x7f"),)}}, "tpm.structure", "tpm.bitmap"),
        ({"quote": {"selections": (PcrSelection(0xB, b""),)}}, "tpm.structure", "tpm.bitmap"),
        ({"quote": {"pcr_digest": bytes(31)}}, "tpm.structure", "tpm.digest-length"),
        ({"quote": {"trailing": b"\0"}}, "tpm.structure", "tpm.trailing"),
        ({"quote": {"extra_data": bytes(51)}}, "tpm.structure", "tpm.extra-data"),
        ({"quote": {"pcr_digest": bytes(32)}}, "tpm.pcrs", "tpm.pcrs"),
        ({"var_data": b"[]"}, "ak", "hcl.keys"),
        ({"var_data": b"{}"}, "ak", "hcl.keys"),
        ({"var_data": b""}, "ak", "encoding.json"),
        ({"var_data": b"\xff"}, "ak", "encoding.utf8"),
        ({"var_data": hcl.var_data_mint() + b"\0"}, "ak", "ak.padding"),
        ({"var_data": hcl.var_data_mint([])}, "ak", "hcl.ak"),
        ({"var_data": hcl.var_data_mint([hcl.ak_jwk(), hcl.ak_jwk()])}, "ak", "hcl.ak"),
        ({"var_data": hcl.var_data_mint([hcl.ak_jwk(kty="EC")])}, "ak", "hcl.ak"),
        ({"var_data": hcl.var_data_mint([hcl.ak_jwk(e="Aw")])}, "ak", "hcl.ak"),
        ({"var_data": hcl.var_data_mint([hcl.ak_jwk(e="AAEAAQ")])}, "ak", "hcl.ak"),
        ({"var_data": hcl.var_data_mint([hcl.ak_jwk(n=hcl.base64url(b"\x7f" + bytes(255)))])}, "ak", "hcl.ak"),
        ({"var_data": hcl.var_data_mint([hcl.ak_jwk(n=hcl.base64url(b"\xff" * 128))])}, "ak", "hcl.ak"),
        ({"var_data": hcl.var_data_mint([hcl.ak_jwk(e="AQAB====")])}, "ak", "encoding.base64url"),
        ({"var_data": hcl.var_data_mint([hcl.ak_jwk(n=None)])}, "ak", "encoding.not-text"),
        ({"var_data": hcl.var_data_mint()[:-1] + b',"keys":[]}'}, "ak", "encoding.duplicate-key"),
    ],
)  # fmt: skip
def test_one_override_fails_its_own_step(overrides: dict[str, Any], step: str, code: str) -> None:
    assert run_az(**overrides).red == {f"az-snp.{step}": code}


def test_report_of_version_2_passes() -> None:
    assert run_az(report={"version": 2, "cpuid_family": 0, "cpuid_model": 0, "cpuid_stepping": 0}).red == {}


def test_report_of_version_2_without_chip_id_fails() -> None:
    run = run_az(report={"version": 2, "cpuid_family": 0, "cpuid_model": 0, "cpuid_stepping": 0, "chip_id": bytes(64)})
    assert run.red == {"az-snp.report.generation": "report.generation"}


def test_report_of_version_2_with_a_cpuid_fails() -> None:
    assert run_az(report={"version": 2}).red == {"az-snp.report.reserved": "report.reserved"}


def test_second_half_of_report_data_must_be_zero() -> None:
    bound = hcl.var_data_mint()
    report = {"report_data": hashlib.sha256(bound).digest() + bytes(31) + b"\1"}
    assert run_az(var_data=bound, report=report).red == {"az-snp.binding": "binding.tail"}


def test_padding_after_the_content_must_be_zero() -> None:
    bound = hcl.var_data_mint()
    padding = bytes(2600 - 0x4D4 - len(bound) - 1) + b"\1"
    assert run_az(var_data=bound, hcl={"padding": padding}).red == {"az-snp.hcl.fields": "hcl.fields.padding"}


@pytest.mark.parametrize("count", [0, 23, 25])
def test_another_number_of_registers_fails(count: int) -> None:
    evidence = hcl.az_snp_evidence(milan())
    evidence["tpm_quote"]["pcrs"] = ["00" * 32] * count
    assert run_evidence(evidence).red == {"az-snp.evidence": "evidence.pcrs"}


@pytest.mark.parametrize(("value", "code"), [("00" * 31, "evidence.pcrs"), ("0 " * 32, "encoding.hex"), (None, "encoding.not-text")])
def test_register_of_another_form_fails(value: object, code: str) -> None:
    evidence = hcl.az_snp_evidence(milan())
    evidence["tpm_quote"]["pcrs"][5] = value
    assert run_evidence(evidence).red == {"az-snp.evidence": code}


def test_changed_register_fails_and_gives_no_claims() -> None:
    evidence = hcl.az_snp_evidence(milan())
    evidence["tpm_quote"]["pcrs"][5] = "00" * 32
    run = run_evidence(evidence)
    assert run.red == {"az-snp.tpm.pcrs": "tpm.pcrs"}
    assert "pcrs" not in run.context.claims


def test_signature_of_another_length_fails() -> None:
    evidence = hcl.az_snp_evidence(milan())
    evidence["tpm_quote"]["signature"] += "00"
    assert run_evidence(evidence).red == {"az-snp.evidence": "evidence.signature"}


def test_quote_under_a_key_that_the_processor_does_not_vouch_for_gives_no_signed_data() -> None:
    modulus = tpm.attestation_key(1).public_key().public_numbers().n.to_bytes(256, "big")
    forged = hcl.var_data_mint([hcl.ak_jwk(n=hcl.base64url(modulus))])
    genuine = {"report_data": hashlib.sha256(hcl.var_data_mint()).digest() + bytes(32)}
    run = run_az(var_data=forged, report=genuine, quote={"key": tpm.attestation_key(1)})
    assert run.red == {"az-snp.binding": "binding.digest"}
    assert run.outcomes["az-snp.tpm.signature"] == "pass"
    assert run.context.signed_data is None
    assert "vm" not in run.context.claims


def test_hostile_machine_configuration_becomes_no_claim() -> None:
    bound = hcl.var_data_mint(**{"vm-configuration": {"secure-boot": "yes", "vmUniqueId": "a\u202eb", "x": 1}, "user-data": "\ud800"})
    run = run_az(var_data=bound)
    assert run.red == {}
    assert run.context.claims["vm"] == {}
    assert run.context.claims["user_data"] == ""
