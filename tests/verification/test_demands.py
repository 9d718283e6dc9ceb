"""What a policy demands beyond the image: each with one pass and one fail, and that it cites its version."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kettle_web.verification.inquiry import Request
from kettle_web.verification.policy import Policy, RequiredSource
from kettle_web.verification.report import Outcome, Report, Verdict
from tests.verification.bundles import ENTRY, NONCE, POLICY, REQUEST, check_of, document_make, outcome_of, report_make

COMMIT = "11" * 20
BUILDER = "https://lunal.dev/kettle-tee/v1"
CARGO = "https://lunal.dev/kettle/cargo@v1"


def _report(policy: dict[str, Any], **overrides: Any) -> Report:
    return report_make(policy=replace(POLICY, **policy), **overrides)


def _source(repository: str = "", ref: str = "") -> dict[str, Any]:
    return {"required_source": RequiredSource(repository, ref)}


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"allowed_builder_ids": ("https://example.org/", BUILDER)}, "policy.builder-id"),
        ({"allowed_build_types": (CARGO,)}, "policy.build-type"),
        ({"required_nonce": True}, "policy.nonce"),
        (_source(repository="HTTPS://Example.org/hello/"), "policy.repository"),
        (_source(ref=COMMIT), "policy.ref"),
        (_source(ref="main"), "policy.ref"),
    ],
)
def test_what_is_demanded_and_holds_passes(policy: dict[str, Any], code: str) -> None:
    report = _report(policy)
    assert check_of(report, code).outcome is Outcome.PASS
    assert report.now.verdict is Verdict.CONFIRMED
    assert report.policy_version == "v1"


@pytest.mark.parametrize(
    ("policy", "overrides", "code"),
    [
        ({"allowed_builder_ids": ("https://example.org/",)}, {}, "policy.builder-id"),
        ({"allowed_build_types": ("https://confidential.ai/attested-builds/v1",)}, {}, "policy.build-type"),
        ({"required_nonce": True}, {"nonce": None, "nonce_signed": b""}, "policy.nonce"),
        ({"required_nonce": True}, {"nonce": b"\7" * 16}, "policy.nonce"),
        (_source(repository="https://example.org/other"), {}, "policy.repository"),
        (_source(ref="22" * 20), {}, "policy.ref"),
        (_source(ref="release"), {}, "policy.ref"),
        (_source(ref="main"), {"request": replace(REQUEST, resolved_commit="22" * 20)}, "policy.ref"),
    ],
)
def test_a_difference_is_a_failed_row(policy: dict[str, Any], overrides: dict[str, Any], code: str) -> None:
    report = _report(policy, **overrides)
    assert outcome_of(report, code) == ("fail", code)
    assert report.now.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("policy", "overrides", "code", "reason"),
    [
        ({"required_nonce": True}, {"nonce": None}, "policy.nonce", "policy.nonce-unknown"),
        (_source(ref="main"), {"request": None}, "policy.ref", "policy.ref-unknown"),
        (_source(ref="main"), {"request": Request(claimed=True)}, "policy.ref", "policy.ref-unknown"),
        (_source(ref="main"), {"request": replace(REQUEST, resolved_commit="")}, "policy.ref", "policy.ref-unknown"),
    ],
)
def test_what_is_demanded_and_cannot_be_compared_leaves_the_verdict_open(
    policy: dict[str, Any], overrides: dict[str, Any], code: str, reason: str
) -> None:
    report = _report(policy, **overrides)
    assert outcome_of(report, code) == ("error", reason)
    assert report.now.verdict is Verdict.INCOMPLETE


def test_what_is_not_demanded_has_no_row() -> None:
    assert not [check.code for check in report_make().checks if check.code.startswith("policy.")]


def test_demanded_collateral_leaves_the_verdict_open() -> None:
    report = _report({"required_collateral": True})
    assert report.now.verdict is Verdict.INCOMPLETE
    assert check_of(report, "snp.revocation").required


def test_an_ended_entry_no_longer_confirms_but_did_at_the_time() -> None:
    ended = replace(ENTRY, valid_from=datetime(2026, 1, 1, tzinfo=UTC), valid_until=datetime(2026, 5, 25, tzinfo=UTC))
    report = report_make(policy=Policy("v2", (ended,)))
    assert outcome_of(report, "image.allow-list") == ("error", "image.out-of-dates")
    assert report.now.verdict is Verdict.UNPINNED
    assert report.as_of_build is not None
    assert report.as_of_build.verdict is Verdict.CONFIRMED
    assert report.policy_version == "v2"


def test_a_minimum_firmware_level_is_judged_by_the_entry() -> None:
    level = report_make().claims["tcb"]["reported"]["snp"]
    enough = report_make(policy=Policy("v", (replace(ENTRY, minimum_tcb={"snp": level}),)))
    assert check_of(enough, "snp.minimum-tcb").outcome is Outcome.PASS
    assert "firmware level" not in enough.now.headline.text
    low = report_make(policy=Policy("v", (replace(ENTRY, minimum_tcb={"snp": level + 1}),)))
    assert outcome_of(low, "snp.minimum-tcb") == ("fail", "minimum-tcb.snp")
    assert low.now.verdict is Verdict.FAILED


def test_an_image_that_does_not_isolate_is_said_so() -> None:
    report = report_make(policy=Policy("v", (replace(ENTRY, isolates_build_from_attester=False),)))
    assert "does not isolate" in check_of(report, "image.isolation").reason


def test_demands_do_not_outrank_a_missing_document() -> None:
    report = _report({"allowed_builder_ids": (BUILDER,)}, provenance_bytes=None)
    assert report.now.verdict is Verdict.INCOMPLETE
    assert check_of(report, "policy.builder-id").outcome is Outcome.SKIPPED


def test_the_nonce_row_needs_no_request() -> None:
    assert check_of(_report({"required_nonce": True}, request=None, nonce=NONCE), "policy.nonce").outcome is Outcome.PASS


def test_a_document_of_another_builder_is_refused_by_name() -> None:
    document = document_make(predicate__runDetails__builder__id="https://example.org/mine")
    check = check_of(_report({"allowed_builder_ids": (BUILDER,)}, document=document), "policy.builder-id")
    assert (check.expected, check.actual) == (BUILDER, "https://example.org/mine")
