"""Real evidence passes every required check."""

from __future__ import annotations

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
