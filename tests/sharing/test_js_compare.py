"""How the browser's verdict stands to the site's: a site cannot name one that its own checks do not give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sharing.javascript import Runs, javascript

SCRIPT = str(Path(__file__).with_name("compare.js"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with javascript(tmp_path_factory.mktemp("javascript")) as runs:
        yield runs


def row(code: str, outcome: str, **more: Any) -> dict[str, Any]:
    reason_code = "" if outcome == "pass" else "some.reason"
    return {
        "code": code,
        "title": code,
        "outcome": outcome,
        "required": True,
        "reason": "",
        "reason_code": reason_code,
        "depends_on": [],
        **more,
    }


FILES = row("artifacts.digests", "skipped", reason_code="artifacts.left-out", required=False)
LISTED = row("image.allow-list", "pass")


def compared(run: Runs, mine: list[dict[str, Any]], verdict: str, theirs: list[dict[str, Any]], said: str, kind: str = "hardware") -> Any:
    report = {"verdict": verdict, "checks": mine, "anchor_kind": kind, "evidence_sha256": "00"}
    return run(SCRIPT, "compared", [report, {"verdict": said, "checks": theirs}, []])


def test_the_same_checks_give_the_same_verdict(run: Runs) -> None:
    found = compared(run, [LISTED], "confirmed", [LISTED], "confirmed")
    assert (found["agrees"], found["verdict"], found["unmade"]) == (True, "same", [])


@pytest.mark.parametrize(("outcome", "said"), [("error", "incomplete"), ("fail", "failed")])
def test_a_verdict_that_rests_on_files_is_explained_and_no_contradiction(run: Runs, outcome: str, said: str) -> None:
    found = compared(run, [LISTED, FILES], "confirmed", [LISTED, row("artifacts.digests", outcome)], said)
    assert (found["agrees"], found["verdict"]) == (True, "fewer")
    assert [one["code"] for one in found["unmade"]] == ["artifacts.digests"]


@pytest.mark.parametrize("said", ["confirmed", "unpinned", "incomplete"])
def test_a_verdict_that_the_sites_own_checks_do_not_give_is_a_contradiction(run: Runs, said: str) -> None:
    found = compared(run, [LISTED, FILES], "confirmed", [LISTED, row("artifacts.digests", "fail")], said)
    assert (found["agrees"], found["verdict"], found["differing"]) == (False, "contradicts", 0)


def test_a_test_key_is_never_more_than_simulated_whatever_the_site_says(run: Runs) -> None:
    assert not compared(run, [LISTED], "simulated", [LISTED], "confirmed", kind="test")["agrees"]


def test_another_outcome_of_a_check_that_both_made_differs(run: Runs) -> None:
    found = compared(run, [LISTED], "confirmed", [row("image.allow-list", "error")], "unpinned")
    assert (found["agrees"], found["verdict"], found["differing"]) == (False, "differs", 1)
