"""The vocabulary of checks: what a step is, and what it gives or raises.

A platform's procedure is a tuple of `Step`. A step's function takes the procedure's context, gives a `Passed`, or raises:
`CheckFailed` (looked, and it is wrong), `CheckSkipped` (not looked, and why), `CheckImpossible` (could not look, and why).
Only `kettle_web.verification` runs steps and catches; a step whose predecessors did not pass is not run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

C = TypeVar("C")


class AttestationError(Exception):
    """Root of this package's errors. `code` is stable; the message is a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CheckFailed(AttestationError):
    """A check was made and the evidence does not hold."""

    def __init__(self, code: str, message: str, *, expected: str = "", actual: str = "") -> None:
        super().__init__(code, message)
        self.expected = expected
        self.actual = actual


class CheckSkipped(AttestationError):
    """A check was not made, for a reason that is said aloud."""


class CheckImpossible(AttestationError):
    """A check could not be made: something that it needs is missing or not understood."""


class Passed(NamedTuple):
    """What a check saw."""

    expected: str = ""
    actual: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Step(Generic[C]):
    """One numbered step of a procedure."""

    code: str
    title: str
    link: str
    """A value of `kettle_web.verification.report.Link`."""
    proves: str
    does_not_prove: str
    run: Callable[[C], Passed]
    depends_on: tuple[str, ...] = ()
    required: bool = True
    rests_on_collateral: bool = False
    """It needs what the evidence does not bring; who demands collateral makes it required."""
    row: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What the row of every run of this step says alike; kept here by what runs steps."""


class Malformed(CheckFailed):
    """Bytes or text that are not what their format demands. Raised by every parser of this package, and by nothing else."""


def require(holds: bool, code: str, message: str, *, expected: str = "", actual: str = "") -> None:
    """Raises `CheckFailed` unless `holds`."""
    if not holds:
        raise CheckFailed(code, message, expected=expected, actual=actual)
