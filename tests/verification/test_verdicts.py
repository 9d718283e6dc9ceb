"""Every verdict, its headline and its exit status, in their order of precedence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kettle_web.verification.inquiry import Request
from kettle_web.verification.policy import Policy
from kettle_web.verification.report import Outcome, Verdict
from tests.verification.bundles import ENTRY, FILE, NOW, REQUEST, Files, check_of, document_make, report_make


def _texts(sentences: Any) -> str:
    return "\n".join(sentence.text for sentence in sentences)


def test_everything_holds_and_the_image_is_pinned_is_confirmed() -> None:
    report = report_make()
    assert report.now.headline.text == (
        f"Confirmed: 1 of 1 files was built from https://example.org/hello.git at {'11' * 20} by Kettle 1.0, "
        "pinned by an administrator, in an AMD SEV-SNP machine. Not checked: revocation, firmware level."
    )
    assert (report.now.verdict, report.exit_status) == (Verdict.CONFIRMED, 0)
    assert report.as_of_build is not None
    assert report.as_of_build.verdict is Verdict.CONFIRMED
    assert report.as_of_build.at == datetime(2026, 5, 20, 21, 52, 40, 303931, tzinfo=UTC)
    assert report.policy_entry is not None
    assert report.policy_entry["pinned_by"] == "an administrator"
    assert all(check.outcome is Outcome.PASS for check in report.checks if check.required)
    assert "revoked" in _texts(report.not_checked)
    assert "firmware" in _texts(report.not_checked)


def test_several_files_were_built() -> None:
    document = document_make()
    document["subject"].append({**document["subject"][0], "name": "hello.exe"})
    report = report_make(document, artifacts=Files(("hello", FILE), ("hello.exe", FILE)))
    assert report.now.headline.text.startswith("Confirmed: 2 of 2 files were built from ")


@pytest.mark.parametrize(
    ("request_made", "source", "commit"),
    [
        (REQUEST, "https://example.org/hello.git", "11" * 20),
        (replace(REQUEST, resolved_commit=""), "https://example.org/hello.git", f"{'11' * 20} (unchecked)"),
        (Request(claimed=True), "https://example.org/hello.git (claimed)", f"{'11' * 20} (claimed)"),
        (None, "https://example.org/hello.git (claimed)", f"{'11' * 20} (claimed)"),
        (
            Request(git_tree="22" * 20, lockfile_sha256="33" * 32),
            "https://example.org/hello.git (claimed)",
            f"{'11' * 20} (claimed)",
        ),
    ],
)
def test_the_headline_says_what_is_only_claimed(request_made: Request | None, source: str, commit: str) -> None:
    report = report_make(request=request_made)
    assert f" built from {source} at {commit} by " in report.now.headline.text
    assert report.now.verdict is Verdict.CONFIRMED


def test_a_source_without_an_address_is_called_so() -> None:
    document = document_make(predicate__buildDefinition__externalParameters__source__uri="")
    assert " built from a source without an address at " in report_make(document, request=None).now.headline.text


def test_files_left_out_are_part_of_the_headline() -> None:
    report = report_make(want_artifacts=False, artifacts=None)
    assert report.now.headline.text.startswith("Confirmed without files: this provenance")
    assert "0 of 1 files checked." in report.now.headline.text
    assert [item.outcome for item in report.artifacts] == [Outcome.SKIPPED]


@pytest.mark.parametrize("policy", [None, Policy(), Policy("v2", (replace(ENTRY, measurement="00" * 48),))])
def test_an_image_that_nobody_pinned_is_unpinned(policy: Policy | None) -> None:
    report = report_make(policy=policy)
    assert report.now.headline.text == (
        "Hardware-signed, builder not recognised: an AMD SEV-SNP machine signed this provenance; which software ran there is not "
        "established, so its statements about source, tools and files are claims."
    )
    assert (report.now.verdict, report.exit_status) == (Verdict.UNPINNED, 3)
    assert check_of(report, "image.allow-list").outcome is Outcome.ERROR
    assert "some confidential VM" in _texts(report.does_not_prove)


def test_a_check_that_could_not_be_made_is_incomplete() -> None:
    report = report_make(artifacts=None)
    assert report.now.headline.text == (
        "Not established: «Every file is the one that was built» could not be made because the bytes of hello are missing."
    )
    assert (report.now.verdict, report.exit_status) == (Verdict.INCOMPLETE, 3)


def test_evidence_without_provenance_is_incomplete() -> None:
    report = report_make(provenance_bytes=None)
    assert report.now.verdict is Verdict.INCOMPLETE
    assert "there is no provenance.json" in report.now.headline.text
    assert report.as_of_build is None
    assert report.provenance is None


def test_no_evidence_is_unattested() -> None:
    report = report_make(evidence_bytes=None, nonce=None)
    assert report.now.headline.text == "Built, not attested: there is no hardware evidence."
    assert (report.now.verdict, report.exit_status) == (Verdict.UNATTESTED, 4)
    assert check_of(report, "artifacts.digests").outcome is Outcome.PASS


def test_no_evidence_from_a_server_that_attests_is_failed() -> None:
    report = report_make(evidence_bytes=None, endpoint_attests=True)
    assert (report.now.verdict, report.exit_status) == (Verdict.FAILED, 1)
    assert check_of(report, "documents.evidence").reason_code == "evidence.absent"


def test_a_public_test_key_is_simulated_whatever_the_policy_says() -> None:
    report = report_make(anchors=None)
    assert report.now.headline.text == "Simulated: signed by a public test key. This proves nothing about hardware."
    assert (report.now.verdict, report.exit_status) == (Verdict.SIMULATED, 4)
    assert report.anchor_kind == "test"
    assert report.as_of_build is not None
    assert report.as_of_build.verdict is Verdict.SIMULATED


def test_simulated_goes_before_incomplete_and_after_failed() -> None:
    assert report_make(anchors=None, artifacts=None).now.verdict is Verdict.SIMULATED
    assert report_make(anchors=None, artifacts=Files(("hello", b"another"))).now.verdict is Verdict.FAILED


def test_a_failed_check_is_named_with_its_reason() -> None:
    report = report_make(artifacts=Files(("hello", b"another")))
    assert report.now.headline.text == (
        "Failed: «Every file is the one that was built»: not the file that was built: hello. Do not rely on these files."
    )
    assert (report.now.verdict, report.exit_status) == (Verdict.FAILED, 1)


def test_failed_goes_before_unattested() -> None:
    report = report_make(evidence_bytes=None, artifacts=Files(("hello", b"another")))
    assert report.now.verdict is Verdict.FAILED


def test_an_expired_certificate_fails_now_and_not_as_of_the_build() -> None:
    report = report_make(now=datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    assert report.now.verdict is Verdict.FAILED
    assert report.as_of_build is not None
    assert report.as_of_build.verdict is Verdict.CONFIRMED
    assert check_of(report, "signed-data.layout").outcome is Outcome.PASS


def test_the_moment_of_the_build_is_bounded_by_our_own_records() -> None:
    received = datetime(2026, 5, 20, 21, 52, 40, tzinfo=UTC)
    report = report_make(received_at=received)
    assert report.as_of_build is not None
    assert report.as_of_build.at == received


def test_without_an_end_the_beginning_is_the_moment_of_the_build() -> None:
    report = report_make(document_make(predicate__runDetails__metadata__finishedOn=None))
    assert report.as_of_build is not None
    assert report.as_of_build.at == datetime(2026, 5, 20, 21, 52, 39, 233053, tzinfo=UTC)


def test_what_is_not_proven_is_always_said() -> None:
    for overrides in ({}, {"anchors": None}, {"evidence_bytes": None}, {"provenance_bytes": None}):
        report = report_make(**overrides)
        texts = _texts(report.does_not_prove)
        for word in ("log", "audited", "inner sandbox", "own claim"):
            assert word in texts


def test_an_isolating_image_drops_the_caution_and_passes_its_row() -> None:
    report = report_make(policy=Policy("v1", (replace(ENTRY, isolates_build_from_attester=True),)))
    assert "inner sandbox" not in _texts(report.does_not_prove)
    assert check_of(report, "image.isolation").outcome is Outcome.PASS
    row = check_of(report_make(), "image.isolation")
    assert (row.outcome, row.required) == (Outcome.SKIPPED, False)
    assert row.reason.startswith("Kettle has no inner sandbox")


def test_a_report_from_before_its_build_fails() -> None:
    report = report_make(now=datetime(2026, 5, 1, tzinfo=UTC))
    assert check_of(report, "provenance.times").reason_code == "times.future"
    assert report.as_of_build is not None
    assert report.as_of_build.at == datetime(2026, 5, 1, tzinfo=UTC)


def test_dates_of_the_certificates_are_reported() -> None:
    report = report_make()
    assert report.valid_until
    assert all(item.not_after > NOW for item in report.valid_until)
