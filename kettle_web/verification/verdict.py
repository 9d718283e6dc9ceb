"""The verdict that follows from checks, by precedence: the first that applies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kettle_web.verification.checks.image import ALLOW_LIST
from kettle_web.verification.report import Check, Outcome, Verdict

EXIT_STATUSES: Final = {
    Verdict.CONFIRMED: 0,
    Verdict.FAILED: 1,
    Verdict.UNPINNED: 3,
    Verdict.INCOMPLETE: 3,
    Verdict.UNATTESTED: 4,
    Verdict.SIMULATED: 4,
}
"""Status 2 is for what never became a report: unusable arguments, or nothing that could be read as evidence."""
TEST = "test"
HARDWARE = "hardware"


def check_broken(checks: Sequence[Check]) -> Check | None:
    """The first check that failed. One that was made and does not hold counts, required or not."""
    return next((check for check in checks if check.outcome is Outcome.FAIL), None)


def check_unmade(checks: Sequence[Check]) -> Check | None:
    """The required check that the verdict waits for: one that could not be made before one that only depends on it."""
    unmade = [check for check in checks if check.required and check.code != ALLOW_LIST and check.outcome is not Outcome.PASS]
    unmade = [check for check in unmade if check.outcome is not Outcome.FAIL]
    return next((check for check in unmade if check.outcome is Outcome.ERROR), unmade[0] if unmade else None)


def verdict_of(checks: Sequence[Check], *, has_evidence: bool, anchor_kind: str) -> Verdict:
    """`anchor_kind`: of the anchor that signed, ``hardware`` or ``test``; empty: none did."""
    if check_broken(checks) is not None:
        return Verdict.FAILED
    if anchor_kind == TEST:
        return Verdict.SIMULATED
    if not has_evidence:
        return Verdict.UNATTESTED
    recognised = next((check for check in checks if check.code == ALLOW_LIST), None)
    if check_unmade(checks) is not None or anchor_kind != HARDWARE or recognised is None:
        return Verdict.INCOMPLETE
    return Verdict.CONFIRMED if recognised.outcome is Outcome.PASS else Verdict.UNPINNED
