"""Real evidence passes every required check."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kettle_web.attestation.envelope import envelope_parse

from .conftest import run_procedure, sample_bytes


@pytest.mark.parametrize(
    ("name", "anchor", "signed_data"),
    [
        ("evidence/snp-genoa.json", "AMD SEV-Genoa", b"genoa-test-fixture".ljust(64, b"\0")),
        ("evidence/az-snp-report-v2.json", "AMD SEV-Milan", b"challenge"),
        ("bundles/kex/evidence.json", "AMD SEV-Milan", None),
        ("bundles/ripgrep-2026-03/evidence.json", "AMD SEV-Milan", None),
    ],
)
def test_genuine_evidence_passes_every_required_check(name: str, anchor: str, signed_data: bytes | None) -> None:
    envelope = envelope_parse(sample_bytes(name))
    run = run_procedure(envelope.platform, envelope.evidence)
    assert run.red == {}
    assert {code: found for code, found in run.outcomes.items() if found != "pass"} == {
        f"{envelope.platform}.revocation": "skipped",
        f"{envelope.platform}.minimum-tcb": "skipped",
    }
    assert run.context.anchor is not None
    assert (run.context.anchor.name, run.context.anchor.kind) == (anchor, "hardware")
    assert run.context.signed_data is not None
    assert signed_data in (None, run.context.signed_data)
    assert len(run.context.validity) == 3


def test_genuine_bare_metal_evidence_passes_under_the_google_tag_too() -> None:
    envelope = envelope_parse(sample_bytes("evidence/snp-genoa.json"))
    run = run_procedure("gcp-snp", envelope.evidence)
    assert run.red == {}
    assert run.outcomes["gcp-snp.report.signature"] == "pass"


def test_version_2_report_takes_its_generation_from_its_issuer() -> None:
    envelope = envelope_parse(sample_bytes("evidence/az-snp-report-v2.json"))
    claims = run_procedure(envelope.platform, envelope.evidence).context.claims
    assert (claims["report_version"], claims["generation"]) == (2, "milan")
    assert claims["vm"]["secure_boot"] is True
    assert len(claims["pcrs"]) == 24


def intel_evidence(name: str) -> tuple[str, dict[str, Any]]:
    """A sample of Intel's; two are recorded without an envelope."""
    data = sample_bytes(name)
    if name.endswith(".bin"):
        return "tdx", {"quote": base64.b64encode(data).decode()}
    return "az-tdx", json.loads(data) if "without-envelope" in name else envelope_parse(data).evidence


INTEL = [
    (
        "evidence/az-tdx.json", b"challenge", "024a32b070383331181619fa387cb4d55d1e38879f989933055ccad5bc2db795",
        {"fmspc": "00806f050000", "quote_version": 4, "chip_id": "a1b0718ffa8e6d55fdaf5eceb03f3c72"}, False,
    ),
    (
        "evidence/az-tdx-without-envelope.json", b"attestation-test-fixture",
        "273828c46252fcbdd8ad2dd907130222b03466d52a2911d70c1a5950895d6bd1",
        {"fmspc": "90c06f000000", "quote_version": 4, "tee_tcb_svn": "0d010400000000000000000000000000"}, True,
    ),
    (
        "evidence/tdx-quote-v5.bin", None, "dfba221b48a22af8511542ee796603f37382800840dcd978703909bf8e64d4c8",
        {"fmspc": "90c06f000000", "quote_version": 5,
         "mr_servicetd": "383c87d3bbb047b2d171eaca95312ede99f258088dc788f6ae2ccf8b6dd848fe8d47629e08b3f6cbd4a00dd47a5a033d"}, True,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "signed", "measurement", "claims", "sept_ve_disable"), INTEL)
def test_genuine_intel_evidence_passes_every_required_check(
    name: str, signed: bytes | None, measurement: str, claims: dict[str, Any], sept_ve_disable: bool
) -> None:
    platform, evidence = intel_evidence(name)
    run = run_procedure(platform, evidence)
    assert run.red == {}
    assert run.context.anchor is not None
    assert (run.context.anchor.name, run.context.anchor.kind) == ("Intel SGX Root CA", "hardware")
    assert run.context.signed_data is not None
    assert signed in (None, run.context.signed_data)
    found = run.context.claims
    assert found["measurement"].startswith(measurement)
    assert {key: found[key] for key in claims} == claims
    assert (found["debug"], found["td_attributes"]["sept_ve_disable"]) == (False, sept_ve_disable)
    assert len(run.context.validity) == 3
    if platform == "az-tdx":
        assert found["vm"]["secure_boot"] is True
        assert len(found["pcrs"]) == 24


@pytest.mark.parametrize("platform", ["gcp-tdx", "dstack"])
def test_genuine_quote_passes_under_the_other_bare_tags_too(platform: str) -> None:
    _, evidence = intel_evidence("evidence/tdx-quote-v5.bin")
    assert run_procedure(platform, evidence).red == {}
