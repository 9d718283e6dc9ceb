"""Every step of the `snp` procedure: fake evidence that passes, and for each reason one override that turns its own row red."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kettle_web.attestation.anchors import AnchorSet
from kettle_web.attestation.formats import der, vek
from kettle_web.attestation.formats.certificate import PSS_SHA384_EXPLICIT_TRAILER
from kettle_web.attestation.formats.tcb import tcb_encode
from tests.fakes import amd

from .conftest import Run, run_procedure

LOWER_TCB = tcb_encode(replace(amd.MILAN_TCB, snp=23))
HIGHER_TCB = tcb_encode(replace(amd.MILAN_TCB, snp=25))


@cache
def milan() -> amd.Authority:
    return amd.authority_mint("milan")


@cache
def milan_vek() -> bytes:
    return milan().vek_mint()


def run_snp(*, report: dict[str, Any] | None = None, vek_der: bytes | None = None, anchors: AnchorSet | None = None, **extra: Any) -> Run:
    evidence = amd.snp_evidence(amd.report_mint(**(report or {})), vek_der or milan_vek()) | extra
    return run_procedure("snp", evidence, anchors=anchors or milan().anchor_set, now=amd.NOW)


def test_fake_evidence_passes_every_required_step() -> None:
    run = run_snp()
    assert run.red == {}
    assert set(run.outcomes.values()) == {"pass", "skipped"}
    assert run.context.signed_data == b"\x11" * 64
    assert run.context.claims["tcb"]["reported"] == {"bootloader": 4, "tee": 0, "snp": 24, "microcode": 219}


@pytest.mark.parametrize("version", [4, 5])
def test_later_report_versions_pass(version: int) -> None:
    assert run_snp(report={"version": version}).red == {}


def test_mitigation_vectors_are_allowed_in_version_5_only() -> None:
    assert run_snp(report={"version": 5, "launch_mit_vector": 7}).red == {}
    assert run_snp(report={"version": 4, "launch_mit_vector": 7}).red == {"snp.report.reserved": "report.reserved"}


@pytest.mark.parametrize(
    ("override", "step", "code"),
    [
        ({"version": 2}, "report.version", "report.version"),
        ({"version": 6}, "report.version", "report.version"),
        ({"reserved_04c": 1}, "report.reserved", "report.reserved"),
        ({"reserved_18b": b"\0" * 20 + b"\1"}, "report.reserved", "report.reserved"),
        ({"reserved_1eb": 1}, "report.reserved", "report.reserved"),
        ({"reserved_1ef": 1}, "report.reserved", "report.reserved"),
        ({"reserved_208": b"\1" + bytes(151)}, "report.reserved", "report.reserved"),
        ({"current_mit_vector": 1}, "report.reserved", "report.reserved"),
        ({"cpuid_family": 0x17}, "report.generation", "report.generation"),
        ({"cpuid_model": 0x20}, "report.generation", "report.generation"),
        ({"signature_algorithm": 2}, "report.algorithm", "report.algorithm"),
        ({"signature_r": bytes(72)}, "report.signature", "report.signature"),
        ({"signature_s": b"\xff" * 48 + bytes(24)}, "report.signature", "report.signature"),
        ({"reserved_330": b"\1" + bytes(367)}, "report.padding", "report.signature-padding"),
        ({"vmpl": 1}, "report.vmpl", "report.vmpl"),
        ({"policy": 0xB0000}, "report.debug", "report.debug"),
        ({"policy": 0x10000}, "report.policy", "report.policy.reserved-one"),
        ({"policy": 0x70000}, "report.policy", "report.policy.migration"),
        ({"policy": 0x4030000}, "report.policy", "report.policy.reserved"),
        ({"policy": 0x30000 | 1 << 63}, "report.policy", "report.policy.reserved"),
        ({"key_info": 1 << 2}, "report.key-info", "report.key-info.signing-key"),
        ({"key_info": 7 << 2}, "report.key-info", "report.key-info.signing-key"),
        ({"key_info": 2}, "report.key-info", "report.key-info.masked"),
        ({"key_info": 1 << 5}, "report.key-info", "report.key-info.reserved"),
        ({"committed_tcb": LOWER_TCB}, "report.tcb-order", "report.tcb.reported"),
        ({"current_tcb": LOWER_TCB}, "report.tcb-order", "report.tcb.committed"),
        ({"committed_minor": 56}, "report.tcb-order", "report.tcb.version"),
        ({"launch_tcb": b"\4\0\1\0\0\0\x18\xdb"}, "report.tcb-order", "report.tcb.reserved"),
        ({"chip_id": b"\x01" * 64}, "chip.id", "chip.hwid"),
        ({"reported_tcb": LOWER_TCB}, "chip.tcb", "chip.tcb.snp"),
        ({"cpuid_model": 0x11}, "chip.generation", "chip.generation"),
    ],
)
def test_one_overridden_report_field_fails_its_own_step(override: dict[str, Any], step: str, code: str) -> None:
    assert run_snp(report=override).red == {f"snp.{step}": code}


@pytest.mark.parametrize("name", ["signature_r", "signature_s"])
def test_bytes_beyond_the_signature_s_integers_must_be_zero(name: str) -> None:
    raw = bytearray(amd.report_mint())
    raw[(0x2A0 if name == "signature_r" else 0x2E8) + 60] = 1
    run = run_procedure("snp", amd.snp_evidence(bytes(raw), milan_vek()), anchors=milan().anchor_set, now=amd.NOW)
    assert run.red == {"snp.report.padding": "report.signature-padding"}


def test_report_of_another_chip_key_fails() -> None:
    other = ec.generate_private_key(ec.SECP384R1())
    run = run_procedure("snp", amd.snp_evidence(amd.report_mint(other), milan_vek()), anchors=milan().anchor_set, now=amd.NOW)
    assert run.red == {"snp.report.signature": "report.signature"}
    assert run.context.signed_data is None
    assert "measurement" not in run.context.claims


@pytest.mark.parametrize(
    ("extensions", "step", "code"),
    [
        (amd.vek_extensions(hwid=None), "chip.id", "chip.hwid-missing"),
        (amd.vek_extensions(hwid=amd.CHIP_ID[:8]), "chip.id", "chip.hwid-length"),
        (amd.vek_extensions(replace(amd.MILAN_TCB, bootloader=5)), "chip.tcb", "chip.tcb.bootloader"),
        (amd.vek_extensions(replace(amd.MILAN_TCB, tee=5)), "chip.tcb", "chip.tcb.tee"),
        (amd.vek_extensions(replace(amd.MILAN_TCB, snp=5)), "chip.tcb", "chip.tcb.snp"),
        (amd.vek_extensions(replace(amd.MILAN_TCB, microcode=5)), "chip.tcb", "chip.tcb.microcode"),
        (amd.vek_extensions(replace(amd.MILAN_TCB, fmc=1)), "chip.tcb", "chip.tcb.fmc"),
        (amd.vek_extensions(product="Genoa"), "chip.generation", "chip.product"),
        (amd.vek_extensions(without=(vek.OID_PRODUCT_NAME,)), "chip.generation", "chip.product"),
        (amd.vek_extensions(without=(vek.OID_MICROCODE,)), "vek.parse", "vek.level-missing"),
        (amd.vek_extensions(hwid=b"\4\2\0\0"), "vek.parse", "vek.hwid"),
        ((*amd.vek_extensions(), amd.vek_extensions()[0]), "vek.parse", "certificate.duplicate-extension"),
        ((*amd.vek_extensions(), (der.oid_encode("2.5.29.19"), True, b"")), "vek.parse", "vek.extension"),
    ],
)
def test_one_overridden_extension_fails_its_own_step(extensions: Any, step: str, code: str) -> None:
    assert run_snp(vek_der=milan().vek_mint(extensions=extensions)).red == {f"snp.{step}": code}


@pytest.mark.parametrize("value", ["020180", "02020001", "0200", "02020100", "020101ff", "0201", "040101"])
def test_levels_in_another_form_than_der_fail(value: str) -> None:
    extensions = (*amd.vek_extensions(without=(vek.OID_SNP,)), (vek.OID_SNP, False, bytes.fromhex(value)))
    assert run_snp(vek_der=milan().vek_mint(extensions=extensions)).red.keys() == {"snp.vek.parse"}


def test_chip_id_in_an_inner_octet_string_is_read() -> None:
    extensions = amd.vek_extensions(hwid=b"\x04\x40" + amd.CHIP_ID)
    assert run_snp(vek_der=milan().vek_mint(extensions=extensions)).red == {}


def test_chip_id_that_begins_like_an_octet_string_is_raw() -> None:
    chip_id = b"\x04\x3e" + amd.CHIP_ID[2:]
    vek_der = milan().vek_mint(extensions=amd.vek_extensions(hwid=chip_id))
    assert run_snp(report={"chip_id": chip_id}, vek_der=vek_der).red == {}


def test_both_algorithm_identifiers_of_the_vendor_are_read() -> None:
    assert run_snp(vek_der=milan().vek_mint(algorithm=PSS_SHA384_EXPLICIT_TRAILER)).red == {}


@pytest.mark.parametrize(
    ("overrides", "step", "code"),
    [
        ({"algorithm": bytes.fromhex("300d06092a864886f70d01010c0500")}, "vek.parse", "certificate.algorithm"),
        ({"outer_algorithm": PSS_SHA384_EXPLICIT_TRAILER}, "vek.parse", "certificate.algorithm"),
        ({"subject": amd.name_encode("SEV-ABCD")}, "vek.parse", "vek.kind"),
        ({"subject": amd.name_encode("SEV-VCEK\n")}, "vek.parse", "certificate.name"),
        ({"subject": amd.name_encode("SEV-VLEK")}, "vek.signature", "vek.wrong-role"),
        ({"issuer": amd.name_encode("SEV-Genoa")}, "vek.signature", "vek.unknown-issuer"),
        ({"issuer": amd.name_encode("ARK-Milan")}, "vek.signature", "vek.unknown-issuer"),
        ({"issuer": amd.name_encode("SEV-Milan", "Advanced Micro Device")}, "vek.signature", "vek.unknown-issuer"),
        ({"not_before": amd.NOW + timedelta(seconds=1)}, "vek.validity", "vek.validity.early"),
        ({"not_after": amd.NOW - timedelta(seconds=1)}, "vek.validity", "vek.validity.expired"),
    ],
)
def test_one_overridden_certificate_field_fails_its_own_step(overrides: dict[str, Any], step: str, code: str) -> None:
    assert run_snp(vek_der=milan().vek_mint(**overrides)).red == {f"snp.{step}": code}


def test_certificate_signed_by_somebody_else_fails() -> None:
    run = run_snp(vek_der=milan().vek_mint(key=milan().ark_key))
    assert run.red == {"snp.vek.signature": "vek.signature"}
    assert run.context.anchor is None


def test_certificate_with_a_point_off_the_curve_fails() -> None:
    spki = amd.spki_encode(amd.chip_key_published().public_key())
    assert run_snp(vek_der=milan().vek_mint(spki=spki[:-1] + bytes((spki[-1] ^ 1,)))).red == {"snp.vek.parse": "key.p384"}


def test_certificate_for_another_curve_fails() -> None:
    spki = amd.spki_encode(ec.generate_private_key(ec.SECP256R1()).public_key())
    assert run_snp(vek_der=milan().vek_mint(spki=spki)).red == {"snp.vek.parse": "key.p384"}


def test_dates_are_inclusive() -> None:
    assert run_snp(vek_der=milan().vek_mint(not_before=amd.NOW, not_after=amd.NOW)).red == {}


def test_expired_root_fails() -> None:
    anchors = milan().with_anchors(not_after=amd.NOW - timedelta(days=1))
    assert run_snp(anchors=anchors).red == {"snp.chain.validity": "chain.validity.expired"}


def test_pinned_anchors_without_certificates_pass_as_hardware() -> None:
    run = run_snp(anchors=milan().with_anchors(certificate=None))
    assert run.red == {}
    assert run.context.anchor is not None
    assert run.context.anchor.kind == "hardware"


def test_test_anchors_without_certificates_fail() -> None:
    anchors = milan().with_anchors(certificate=None, kind="test")
    assert run_snp(anchors=anchors).red == {"snp.chain.intermediate": "chain.intermediate.certificate"}


def test_intermediate_that_the_root_did_not_sign_fails() -> None:
    forged = amd.authority_mint("milan", ask_signer=milan().ask_key)
    assert run_snp(anchors=forged.anchor_set).red == {"snp.chain.intermediate": "chain.intermediate.signature"}


def test_intermediate_without_its_root_fails() -> None:
    run = run_snp(anchors=AnchorSet((milan().anchors[1],)))
    assert run.red == dict.fromkeys(("snp.chain.intermediate", "snp.chain.root", "snp.chain.validity"), "chain.no-root")


def test_root_of_another_kind_is_no_root() -> None:
    ark, ask = milan().anchors
    run = run_snp(anchors=AnchorSet((replace(ark, kind="test"), ask)))
    assert run.red["snp.chain.root"] == "chain.no-root"


def test_anchor_whose_certificate_is_another_s_fails() -> None:
    ark, ask = milan().anchors
    run = run_snp(anchors=AnchorSet((replace(ark, certificate=ask.certificate), ask)))
    assert run.red["snp.chain.root"] == "chain.anchor-data"


def test_vlek_under_its_own_issuer_passes_and_names_its_provider() -> None:
    authority = amd.authority_mint("milan", role="asvk")
    vlek = authority.vek_mint(
        subject=amd.name_encode("SEV-VLEK"),
        extensions=amd.vek_extensions(hwid=None, csp_id="CN=cc-us-east-2.amazonaws.com", product="Milan"),
    )
    run = run_snp(report={"key_info": 1 << 2}, vek_der=vlek, anchors=authority.anchor_set)
    assert run.red == {}
    assert run.context.claims["vek"]["csp_id"] == "CN=cc-us-east-2.amazonaws.com"


def test_vcek_under_the_issuer_of_vleks_fails() -> None:
    authority = amd.authority_mint("milan", role="asvk")
    assert run_snp(vek_der=authority.vek_mint(), anchors=authority.anchor_set).red == {"snp.vek.signature": "vek.wrong-role"}


def turin_run(*, fmc_in_certificate: int | None = 1, chip_id: bytes = amd.CHIP_ID[:8].ljust(64, b"\0")) -> Run:
    authority = amd.authority_mint("turin")
    extensions = amd.vek_extensions(replace(amd.TURIN_TCB, fmc=fmc_in_certificate), hwid=amd.CHIP_ID[:8], product="Turin")
    raw = tcb_encode(amd.TURIN_TCB)
    report = {"version": 5, "cpuid_family": 0x1A, "cpuid_model": 2, "chip_id": chip_id}
    report |= dict.fromkeys(("reported_tcb", "committed_tcb", "current_tcb", "launch_tcb"), raw)
    return run_snp(report=report, vek_der=authority.vek_mint(extensions=extensions), anchors=authority.anchor_set)


def test_turin_s_short_chip_id_and_its_own_levels_pass() -> None:
    run = turin_run()
    assert run.red == {}
    assert run.context.claims["tcb"]["reported"]["fmc"] == 1


def test_turin_level_that_the_certificate_lacks_must_be_zero() -> None:
    assert turin_run(fmc_in_certificate=None).red == {"snp.chip.tcb": "chip.tcb.fmc"}


def test_turin_chip_id_with_bytes_after_the_certified_ones_fails() -> None:
    assert turin_run(chip_id=amd.CHIP_ID).red == {"snp.chip.id": "chip.hwid"}


def test_missing_certificate_could_not_be_checked() -> None:
    evidence = amd.snp_evidence(amd.report_mint(), None)
    run = run_procedure("snp", evidence, anchors=milan().anchor_set, now=amd.NOW)
    assert run.red == {"snp.vek.parse": "vek.missing"}
    del evidence["cert_chain"]
    assert run_procedure("snp", evidence, anchors=milan().anchor_set, now=amd.NOW).red == {"snp.vek.parse": "vek.missing"}


def test_missing_certificate_of_a_masked_chip_fails() -> None:
    evidence = amd.snp_evidence(amd.report_mint(chip_id=bytes(64)), None)
    assert run_procedure("snp", evidence, now=amd.NOW).red == {"snp.vek.parse": "vek.missing-and-masked"}


def test_certificates_of_the_evidence_are_never_trusted() -> None:
    chain = {
        "vcek": base64.b64encode(milan_vek()).decode(),
        "ask": base64.b64encode(milan().ask).decode(),
        "ark": base64.b64encode(milan().ark).decode(),
    }
    assert run_snp(cert_chain=chain).red == {}
    assert run_snp(cert_chain=chain, anchors=AnchorSet(())).red == {"snp.vek.signature": "vek.unknown-issuer"}


@pytest.mark.parametrize(
    ("extra", "step", "code"),
    [
        ({"more": 1}, "evidence", "evidence.unknown-key"),
        ({"cert_chain": {"vcek": "", "more": ""}}, "evidence", "evidence.unknown-key"),
        ({"cert_chain": []}, "evidence", "evidence.cert-chain"),
        ({"cert_chain": {}}, "evidence", "encoding.not-text"),
        ({"cert_chain": {"vcek": None}}, "evidence", "encoding.not-text"),
        ({"attestation_report": None}, "evidence", "encoding.not-text"),
        ({"attestation_report": "A" * 1_048_577}, "evidence", "encoding.too-long"),
        ({"attestation_report": "é"}, "evidence", "encoding.not-ascii"),
        ({"attestation_report": "AB=="}, "evidence", "encoding.base64"),
        ({"attestation_report": "AA"}, "evidence", "encoding.base64"),
        ({"attestation_report": "AA==\n"}, "evidence", "encoding.base64"),
        ({"attestation_report": "AAAA"}, "report.parse", "report.length"),
    ],
)
def test_one_odd_field_of_the_evidence_fails(extra: dict[str, Any], step: str, code: str) -> None:
    assert run_snp(**extra).red[f"snp.{step}"] == code
