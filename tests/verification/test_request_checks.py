from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kettle_web.verification.checks.request import address_normal
from kettle_web.verification.checks.statement import CLOCK_TOLERANCE
from kettle_web.verification.inquiry import Request
from kettle_web.verification.report import Verdict
from tests.verification.bundles import REQUEST, check_of, outcome_of, report_make

UPLOAD = Request(git_tree="22" * 20, lockfile_sha256="33" * 32)
STARTED = datetime(2026, 5, 20, 21, 52, 39, 233053, tzinfo=UTC)
FINISHED = datetime(2026, 5, 20, 21, 52, 40, 303931, tzinfo=UTC)


@pytest.mark.parametrize(
    ("request_made", "code"),
    [
        (REQUEST, "request.repository"),
        (replace(REQUEST, repo_url="HTTPS://Example.org/hello/"), "request.repository"),
        (REQUEST, "request.ref"),
        (replace(REQUEST, repo_ref="11" * 20, resolved_commit=""), "request.ref"),
        (UPLOAD, "request.git-tree"),
        (UPLOAD, "request.lockfile"),
        (replace(UPLOAD, lockfile_sha256="sha256:" + "33" * 32), "request.lockfile"),
    ],
)
def test_what_was_asked_for_passes(request_made: Request, code: str) -> None:
    assert outcome_of(report_make(request=request_made), code) == ("pass", "")


@pytest.mark.parametrize(
    ("request_made", "code", "outcome", "reason"),
    [
        (replace(REQUEST, repo_url="https://example.org/other"), "request.repository", "fail", "request.repository-differs"),
        (replace(REQUEST, repo_url="https://example.org/Hello.git"), "request.repository", "fail", "request.repository-differs"),
        (replace(REQUEST, resolved_commit="12" * 20), "request.ref", "fail", "request.commit-differs"),
        (replace(REQUEST, repo_ref="12" * 20), "request.ref", "fail", "request.commit-differs"),
        (replace(UPLOAD, git_tree="23" * 20), "request.git-tree", "fail", "request.tree-differs"),
        (replace(UPLOAD, git_tree=""), "request.git-tree", "error", "request.no-tree"),
        (replace(UPLOAD, lockfile_sha256="34" * 32), "request.lockfile", "fail", "request.lockfile-differs"),
        (replace(UPLOAD, lockfile_sha256=""), "request.lockfile", "error", "request.no-lockfile"),
    ],
)
def test_what_was_not_asked_for_does_not_pass(request_made: Request, code: str, outcome: str, reason: str) -> None:
    report = report_make(request=request_made)
    assert outcome_of(report, code) == (outcome, reason)
    assert report.now.verdict is (Verdict.FAILED if outcome == "fail" else Verdict.INCOMPLETE)


@pytest.mark.parametrize(
    ("request_made", "code", "reason"),
    [
        (None, "request.repository", "request.none"),
        (Request(claimed=True), "request.ref", "request.claimed"),
        (Request(claimed=True, git_tree="99" * 20), "request.git-tree", "request.claimed"),
        (REQUEST, "request.git-tree", "request.not-upload"),
        (UPLOAD, "request.repository", "request.upload"),
        (UPLOAD, "request.ref", "request.upload"),
        (replace(REQUEST, resolved_commit=""), "request.ref", "request.unresolved"),
        (REQUEST, "request.times", "times.no-record"),
    ],
)
def test_what_has_no_object_is_skipped_with_its_reason(request_made: Request | None, code: str, reason: str) -> None:
    report = report_make(request=request_made)
    assert outcome_of(report, code) == ("skipped", reason)
    assert not check_of(report, code).required
    assert report.now.verdict is Verdict.CONFIRMED


@pytest.mark.parametrize(
    "overrides",
    [
        {"nonce_made_at": STARTED},
        {"nonce_made_at": STARTED + CLOCK_TOLERANCE},
        {"received_at": FINISHED},
        {"received_at": FINISHED - CLOCK_TOLERANCE},
        {"nonce_made_at": STARTED - timedelta(hours=9), "received_at": FINISHED + timedelta(hours=9)},
    ],
)
def test_times_between_request_and_receipt_pass(overrides: dict[str, Any]) -> None:
    assert outcome_of(report_make(**overrides), "request.times") == ("pass", "")


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"nonce_made_at": STARTED + CLOCK_TOLERANCE + timedelta(seconds=1)}, "times.before-request"),
        ({"received_at": FINISHED - CLOCK_TOLERANCE - timedelta(seconds=1)}, "times.after-receipt"),
    ],
)
def test_backdated_and_postdated_builds_fail(overrides: dict[str, Any], reason: str) -> None:
    assert outcome_of(report_make(**overrides), "request.times") == ("fail", reason)


@pytest.mark.parametrize(
    "url", ["https://example.org/a", "https://example.org/a/", "https://EXAMPLE.org/a.git", "HTTPS://example.org/a.git/"]
)
def test_one_repository_has_one_normal_address(url: str) -> None:
    assert address_normal(url) == "https://example.org/a"


def test_an_address_that_cannot_be_taken_apart_is_compared_as_it_is() -> None:
    assert address_normal("https://[") == "https://["
