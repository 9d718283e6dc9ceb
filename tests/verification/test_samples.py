"""The recorded bundles behave as their list says, and no flipped byte goes unnoticed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kettle_web.verification.policy import Policy, PolicyEntry
from kettle_web.verification.report import Outcome, Report, Verdict
from kettle_web.verification.run import run_checks
from tests.provenance.samples import BUNDLES, sample_bytes
from tests.verification.bundles import check_of, report_make

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LAYOUTS = {"kex": "digest-nonce-50", "ripgrep-2026-03": "compact-digest-32"}


def _bundle(name: str, **overrides: Any) -> Report:
    arguments: dict[str, Any] = {
        "provenance_bytes": sample_bytes("bundles", name, "provenance.json"),
        "evidence_bytes": sample_bytes("bundles", name, "evidence.json"),
        "artifacts": None,
        "now": NOW,
    }
    return run_checks(**(arguments | overrides))


@pytest.mark.parametrize("name", BUNDLES)
def test_a_missing_artifact_makes_a_bundle_incomplete(name: str) -> None:
    report = _bundle(name)
    assert (report.now.verdict, report.exit_status) == (Verdict.INCOMPLETE, 3)
    assert [check.code for check in report.checks if check.outcome is Outcome.ERROR] == ["image.allow-list", "artifacts.digests"]
    assert not [check for check in report.checks if check.outcome is Outcome.FAIL]


@pytest.mark.parametrize("name", BUNDLES)
def test_without_files_a_bundle_is_unpinned(name: str) -> None:
    report = _bundle(name, want_artifacts=False)
    assert (report.now.verdict, report.exit_status) == (Verdict.UNPINNED, 3)
    assert "0 of 1 files checked" in report.now.headline.text
    assert "an AMD SEV-SNP on Azure machine" in report.now.headline.text
    assert report.as_of_build is not None
    assert report.as_of_build.verdict is Verdict.UNPINNED
    assert report.signed_data is not None
    assert report.signed_data["layout"] == LAYOUTS[name]
    assert report.anchor_kind == "hardware"


def test_a_pinned_image_on_azure_is_confirmed_by_its_registers() -> None:
    claims = _bundle("kex").claims
    entry = PolicyEntry("Kettle 1.0", "az-snp", claims["measurement"], "an administrator", "r", "d", pcrs={4: claims["pcrs"][4]})
    report = _bundle("kex", want_artifacts=False, policy=Policy("v1", (entry,)))
    assert report.now.verdict is Verdict.CONFIRMED
    other = PolicyEntry("Kettle 1.0", "az-snp", claims["measurement"], "an administrator", "r", "d", pcrs={4: "11" * 32})
    assert _bundle("kex", want_artifacts=False, policy=Policy("v1", (other,))).now.verdict is Verdict.UNPINNED


@pytest.mark.parametrize("name", BUNDLES)
def test_a_nonce_that_was_never_given_fails(name: str) -> None:
    report = _bundle(name, nonce=bytes(range(16)))
    assert report.now.verdict is Verdict.FAILED
    assert check_of(report, "signed-data.nonce").reason_code in ("nonce.absent", "nonce.no-slot")


def test_after_the_certificates_end_a_bundle_fails_now_only() -> None:
    report = _bundle("kex", want_artifacts=False, now=datetime(2040, 1, 1, tzinfo=UTC))
    assert report.now.verdict is Verdict.FAILED
    assert report.as_of_build is not None
    assert report.as_of_build.verdict is Verdict.UNPINNED


def test_the_evidence_of_another_bundle_fails() -> None:
    report = _bundle("kex", evidence_bytes=sample_bytes("bundles", "ripgrep-2026-03", "evidence.json"))
    assert check_of(report, "signed-data.layout").reason_code == "signed-data.digest"
    assert report.now.verdict is Verdict.FAILED


@pytest.mark.parametrize("name", ["snp-genoa.json", "az-snp-report-v2.json", "az-tdx.json"])
def test_evidence_alone_is_incomplete(name: str) -> None:
    report = run_checks(provenance_bytes=None, evidence_bytes=sample_bytes("evidence", name), artifacts=None, now=NOW)
    assert (report.now.verdict, report.exit_status) == (Verdict.INCOMPLETE, 3)
    assert check_of(report, "documents.provenance").reason_code == "provenance.absent"
    assert report.anchor_kind == "hardware"


@pytest.mark.parametrize("name", BUNDLES)
def test_any_flipped_byte_of_the_provenance_fails(name: str) -> None:
    data = sample_bytes("bundles", name, "provenance.json")
    for at in range(0, len(data), max(1, len(data) // 60)):
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert _bundle(name, provenance_bytes=flipped, want_artifacts=False).now.verdict is Verdict.FAILED, at


def _flipped(value: Any, path: tuple[Any, ...], at: float, encoding: str) -> Any:
    if path:
        copied = list(value) if isinstance(value, list) else dict(value)
        copied[path[0]] = _flipped(value[path[0]], path[1:], at, encoding)
        return copied
    padded = value + "=" * (-len(value) % 4)
    raw = bytearray(bytes.fromhex(value) if encoding == "hex" else base64.urlsafe_b64decode(padded))
    raw[min(int(at * len(raw)), len(raw) - 1)] ^= 0x10
    return raw.hex() if encoding == "hex" else base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=" * (len(padded) - len(value)))


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize(
    ("path", "encoding"),
    [
        (("tpm_quote", "signature"), "hex"),
        (("tpm_quote", "message"), "hex"),
        (("tpm_quote", "pcrs", 0), "hex"),
        (("tpm_quote", "pcrs", 23), "hex"),
        (("hcl_report",), "base64"),
        (("vcek",), "base64"),
    ],
)
def test_any_flipped_byte_of_the_evidence_fails(name: str, path: tuple[Any, ...], encoding: str) -> None:
    envelope = json.loads(sample_bytes("bundles", name, "evidence.json"))
    for step in range(12):
        evidence = _flipped(envelope["evidence"], path, step / 11, encoding)
        report = _bundle(name, evidence_bytes=json.dumps({**envelope, "evidence": evidence}).encode(), want_artifacts=False)
        assert report.now.verdict is Verdict.FAILED, step


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.none() | st.binary(max_size=300), st.none() | st.binary(max_size=300))
def test_random_bytes_never_raise(provenance: bytes | None, evidence: bytes | None) -> None:
    report = run_checks(provenance_bytes=provenance, evidence_bytes=evidence, artifacts=None, now=NOW)
    assert report.now.verdict in (Verdict.FAILED, Verdict.UNATTESTED, Verdict.INCOMPLETE)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(st.sampled_from(["snp", "az-snp", "gcp-snp", "tdx", "x"]), st.dictionaries(st.text(max_size=9), _json, max_size=3), _json)
def test_random_evidence_never_raises_and_never_passes(platform: str, evidence: Any, subject: Any) -> None:
    data = json.dumps({"platform": platform, "evidence": evidence}).encode()
    report = report_make(evidence_bytes=data)
    assert report.now.verdict in (Verdict.FAILED, Verdict.INCOMPLETE)
    assert not [check for check in report.checks if check.reason_code == "unexpected"]


@settings(max_examples=60)
@given(_json)
def test_random_fields_of_a_document_never_raise(value: Any) -> None:
    from tests.provenance.samples import changed
    from tests.verification.bundles import document_make

    for path in ("subject", "subject/0/digest", "predicate/runDetails/byproducts", "predicate/buildDefinition/resolvedDependencies"):
        report = report_make(changed(document_make(), path, value))
        assert not [check for check in report.checks if check.reason_code == "unexpected"]
        assert report.now.verdict is not Verdict.SIMULATED


def test_a_changed_invocation_breaks_exactly_the_link_to_the_hardware() -> None:
    data = sample_bytes("bundles", "kex", "provenance.json").replace(b"dde1b50e", b"dde1b50f")
    report = _bundle("kex", provenance_bytes=data, want_artifacts=False)
    assert [check.code for check in report.checks if check.outcome is Outcome.FAIL] == ["signed-data.layout"]
    rests_on_it = {check.code for check in report.checks if check.reason_code == "depends"}
    assert rests_on_it == {"signed-data.nonce", "image.allow-list"}


def test_a_changed_signature_breaks_its_row_and_skips_what_rests_on_it() -> None:
    envelope = json.loads(sample_bytes("bundles", "kex", "evidence.json"))
    evidence = _flipped(envelope["evidence"], ("tpm_quote", "signature"), 0.5, "hex")
    report = _bundle("kex", evidence_bytes=json.dumps({**envelope, "evidence": evidence}).encode(), want_artifacts=False)
    assert [check.code for check in report.checks if check.outcome is Outcome.FAIL] == ["az-snp.tpm.signature"]
    assert check_of(report, "signed-data.layout").reason_code == "depends"
    assert check_of(report, "inputs.merkle-root").outcome is Outcome.PASS
    assert report.signed_data is None
