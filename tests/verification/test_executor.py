from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kettle_web.attestation.checks import AttestationError, CheckFailed, CheckImpossible, CheckSkipped, Passed, Step
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.verification.executor import TEXT_LIMIT, Executor
from kettle_web.verification.inquiry import NotAsked
from kettle_web.verification.report import Check


class World:
    """What steps work on."""

    def __init__(self, now: int = 1) -> None:
        self.time_was_read = False
        self._now = now

    @property
    def now(self) -> int:
        self.time_was_read = True
        return self._now


def _step(run: Callable[[Any], Any], code: str = "a", after: tuple[str, ...] = (), required: bool = True) -> Step[Any]:
    return Step(code, f"Title of {code}", "report", "p", "d", run, after, required)


def _raising(error: BaseException) -> Callable[[Any], Any]:
    def run(context: Any) -> Any:
        raise error

    return run


def _run(run: Callable[[Any], Any], *, required: bool = True) -> Check:
    return Executor().run(_step(run, required=required), World())


@pytest.mark.parametrize(
    ("error", "outcome", "code", "required"),
    [
        (CheckFailed("x.code", "why", expected="e", actual="a"), "fail", "x.code", True),
        (CheckSkipped("x.code", "why"), "skipped", "x.code", True),
        (NotAsked("x.code", "why"), "skipped", "x.code", False),
        (CheckImpossible("x.code", "why"), "error", "x.code", True),
        (AttestationError("x.code", "why"), "fail", "x.code", True),
        (ProvenanceError("x.code", "why"), "fail", "x.code", True),
        (ValueError("why"), "error", "unexpected", True),
        (RecursionError("why"), "error", "unexpected", True),
        (AssertionError("why"), "error", "unexpected", True),
    ],
)
def test_what_is_raised_becomes_an_outcome_and_never_a_pass(error: Exception, outcome: str, code: str, required: bool) -> None:
    check = _run(_raising(error))
    assert (check.outcome.value, check.reason_code, check.required) == (outcome, code, required)
    assert "why" in check.reason
    assert "Traceback" not in check.reason


def test_a_pass_keeps_what_was_seen() -> None:
    check = _run(lambda _: Passed("e", "a", "root"))
    assert (check.outcome.value, check.expected, check.actual, check.anchor, check.reason) == ("pass", "e", "a", "root", "")


@pytest.mark.parametrize("result", [None, True, "pass"])
def test_anything_but_passed_is_no_pass(result: Any) -> None:
    assert _run(lambda _: result).outcome.value == "error"


def test_an_optional_check_that_fails_counts() -> None:
    assert _run(_raising(CheckFailed("x", "why")), required=False).required
    assert not _run(_raising(CheckSkipped("x", "why")), required=False).required


def test_a_step_after_one_that_did_not_pass_is_not_run() -> None:
    executor = Executor()
    executor.run(_step(_raising(CheckImpossible("x", "why"))), World())
    check = executor.run(_step(_raising(AssertionError("was run")), "b", ("a",)), World())
    assert (check.outcome.value, check.reason) == ("skipped", "depends on «Title of a», which could not be made")
    last = executor.run(_step(_raising(AssertionError("was run")), "c", ("b",)), World())
    assert last.reason == "depends on «Title of b», which was not made"


def test_a_step_after_one_that_nobody_ran_is_not_run() -> None:
    assert Executor().run(_step(lambda _: Passed(), "b", ("a",)), World()).outcome.value == "skipped"


def test_a_code_is_used_once() -> None:
    executor = Executor()
    executor.run(_step(lambda _: Passed()), World())
    with pytest.raises(ValueError, match="twice"):
        executor.run(_step(lambda _: Passed()), World())


def test_endless_texts_are_cut() -> None:
    assert len(_run(_raising(CheckFailed("x", "y" * 10**6, actual="z" * 10**6))).reason) == TEXT_LIMIT


def test_an_interrupt_goes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        _run(_raising(KeyboardInterrupt()))


def test_texts_of_documents_are_written_out_visibly() -> None:
    check = _run(_raising(CheckFailed("x", "a\x1b[2J\0", expected="\u202e", actual="\n")))
    assert (check.reason, check.expected, check.actual) == ("a\\u{1b}[2J\\u{0}", "\\u{202e}", "\\u{a}")


def test_only_what_looked_at_the_time_is_made_again_and_what_depends_on_it() -> None:
    made: list[str] = []

    def timeless(context: World) -> Passed:
        made.append("timeless")
        return Passed()

    def timely(context: World) -> Passed:
        made.append("timely")
        if context.now > 1:
            raise CheckFailed("late", "too late")
        return Passed()

    def after(context: World) -> Passed:
        made.append("after")
        return Passed()

    steps = (_step(timeless, "a"), _step(timely, "b", ("a",)), _step(after, "c", ("b",)))
    first = Executor()
    for step in steps:
        first.run(step, World(1))
    assert made == ["timeless", "timely", "after"]
    again, later = Executor(first), Executor(first)
    for step in steps:
        again.run(step, World(1))
        later.run(step, World(2))
    assert made == ["timeless", "timely", "after", "timely", "timely", "after"]
    assert again.checks == first.checks
    assert [check.outcome.value for check in later.checks] == ["pass", "fail", "skipped"]


def test_a_step_that_is_run_again_carries_nothing_over() -> None:
    """Steps are constants that every bundle is judged by; what their rows say alike is kept on them."""
    said: list[Any] = [CheckFailed("x.code", "why", expected="e", actual="a"), Passed("f", "b", "root"), CheckSkipped("y", "not"), Passed()]

    def run(_: Any) -> Any:
        found = said.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    step = _step(run, required=False)
    checks = [Executor().run(step, World()) for _ in range(4)]
    assert [(one.outcome.value, one.required, one.reason, one.reason_code, one.expected, one.actual, one.anchor) for one in checks] == [
        ("fail", True, "why", "x.code", "e", "a", ""),
        ("pass", False, "", "", "f", "b", "root"),
        ("skipped", False, "not", "y", "", "", ""),
        ("pass", False, "", "", "", "", ""),
    ]
    assert replace(step, required=True).row == {}
