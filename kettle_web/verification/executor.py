"""Runs steps and catches: the one place where what is raised becomes an outcome."""

from __future__ import annotations

from typing import Any, Protocol

from kettle_web.attestation.checks import AttestationError, CheckFailed, CheckImpossible, CheckSkipped, Passed, Step
from kettle_web.attestation.values import value_filled
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.verification.inquiry import NotAsked
from kettle_web.verification.report import Check, Link, Outcome
from kettle_web.verification.visible import visible

TEXT_LIMIT = 4000
"""Characters of a reason or value that are kept, escaped visibly: documents are hostile, and reports are stored and shown."""

_LINKS = {link.value: link for link in Link}
_PASS = Outcome.PASS
"""Bound once: looking up a member of an enumeration is slow, and every step looks at all that it depends on."""
_WHICH = {
    Outcome.FAIL: "failed",
    Outcome.SKIPPED: "was not made",
    Outcome.ERROR: "could not be made",
}


class Watched(Protocol):
    """What steps work on, when it tells whether they looked at the time."""

    time_was_read: bool


class Executor:
    """Runs steps in order and keeps the checks that they became.

    `earlier`: an executor that ran the same steps on the same bytes at another time. A check is taken over from it when its step did not
    look at the time there and all that it depends on is taken over too: signatures do not change with dates.
    """

    def __init__(self, earlier: Executor | None = None) -> None:
        self._checks: dict[str, Check] = {}
        self._time_bound: set[str] = set()
        self._taken: set[str] = set()
        self._earlier = earlier

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(self._checks.values())

    def outcome(self, code: str) -> Outcome | None:
        """What became of a step; None: it was not run."""
        check = self._checks.get(code)
        return check.outcome if check else None

    def run(self, step: Step[Any], context: Watched) -> Check:
        """Runs a step whose predecessors passed; otherwise it is skipped, and says because of which."""
        checks = self._checks
        if step.code in checks:
            raise ValueError(f"the code {step.code} is used twice")
        check = self._taken_over(step) if self._earlier is not None else None
        if check is None:
            check = self._made(step, context)
        checks[step.code] = check
        return check

    def _made(self, step: Step[Any], context: Watched) -> Check:
        checks = self._checks
        for code in step.depends_on:
            before = checks.get(code)
            if before is None or before.outcome is not _PASS:
                return self._blocked(step, code)
        context.time_was_read = False
        check = _run(step, context)
        if context.time_was_read:
            self._time_bound.add(step.code)
        return check

    def _taken_over(self, step: Step[Any]) -> Check | None:
        earlier = self._earlier
        if earlier is None or step.code in earlier._time_bound:
            return None
        if not self._taken.issuperset(step.depends_on):
            return None
        self._taken.add(step.code)
        return earlier._checks.get(step.code)

    def _blocked(self, step: Step[Any], code: str) -> Check:
        before = self._checks.get(code)
        name = f"«{before.title}»" if before else code
        which = _WHICH[before.outcome] if before else "was not made"
        return _check(step, Outcome.SKIPPED, reason=f"depends on {name}, which {which}", reason_code="depends", required=step.required)


def _run(step: Step[Any], context: Any) -> Check:
    try:
        passed: object = step.run(context)
    except NotAsked as error:
        return _check(step, Outcome.SKIPPED, reason=str(error), reason_code=error.code, required=False)
    except CheckSkipped as error:
        return _check(step, Outcome.SKIPPED, reason=str(error), reason_code=error.code, required=step.required)
    except CheckImpossible as error:
        return _check(step, Outcome.ERROR, reason=str(error), reason_code=error.code, required=step.required)
    except CheckFailed as error:
        # A check that was made and does not hold counts, also where nobody had to make it.
        return _check(
            step,
            Outcome.FAIL,
            reason=str(error),
            reason_code=error.code,
            required=True,
            expected=error.expected,
            actual=error.actual,
        )
    except (AttestationError, ProvenanceError) as error:
        return _check(step, Outcome.FAIL, reason=str(error), reason_code=error.code, required=True)
    except Exception as error:
        # Not a pass by accident, and not the document's proven fault either.
        reason = f"an unexpected {type(error).__name__} inside the verifier: {error}"
        return _check(step, Outcome.ERROR, reason=reason, reason_code="unexpected", required=step.required)
    if not isinstance(passed, Passed):
        return _check(step, Outcome.ERROR, reason="the step gave no result", reason_code="unexpected", required=True)
    row = (step.row or _row(step)).copy()
    row["outcome"] = _PASS
    row["expected"], row["actual"], row["anchor"] = _shown(passed.expected), _shown(passed.actual), passed.anchor
    return value_filled(Check, row)


def _check(
    step: Step[Any],
    outcome: Outcome,
    *,
    required: bool,
    reason: str = "",
    reason_code: str = "",
    expected: str = "",
    actual: str = "",
) -> Check:
    row = (step.row or _row(step)).copy()
    row["outcome"] = outcome
    row["required"] = required
    row["reason"], row["reason_code"] = _shown(reason), reason_code
    row["expected"], row["actual"] = _shown(expected), _shown(actual)
    return value_filled(Check, row)


def _row(step: Step[Any]) -> dict[str, Any]:
    """What is the same in every row of this step, with places for what is not: made once, because copying it costs a quarter."""
    own = Check(
        step.code, step.title, _LINKS[step.link], Outcome.ERROR, step.required, step.proves, step.does_not_prove, depends_on=step.depends_on
    )
    step.row.update(vars(own))
    return step.row


def _shown(text: str) -> str:
    """Most texts are short and plain, and stay as they are."""
    return text if len(text) <= TEXT_LIMIT and text.isprintable() else visible(text[:TEXT_LIMIT])
