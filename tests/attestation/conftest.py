"""Samples of real evidence, a way to run a procedure, and fake evidence that passes every check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from kettle_web.attestation.anchors import AnchorSet, anchors_builtin
from kettle_web.attestation.checks import CheckFailed, CheckImpossible, CheckSkipped
from kettle_web.attestation.platforms import Context, procedure_for

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
SAMPLES_NOW = datetime(2026, 6, 1, tzinfo=UTC)

unhurried = settings(deadline=None)
"""Decorates property tests: an example that is slow on a busy machine is no failure."""


def sample_bytes(name: str) -> bytes:
    """A sample of real evidence; the test is skipped where they are absent."""
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"the sample {name} is not beside this checkout")
    return path.read_bytes()


@dataclass(frozen=True)
class Run:
    """What a procedure gave: step code → «pass», «skipped», «not-run», or the code of the failure or impossibility."""

    outcomes: dict[str, str]
    required: frozenset[str]
    context: Context

    @property
    def red(self) -> dict[str, str]:
        """Required steps that did not pass and were run."""
        return {code: found for code, found in self.outcomes.items() if code in self.required and found not in ("pass", "not-run")}


def run_procedure(
    platform: str, evidence: dict[str, Any], *, anchors: AnchorSet | None = None, now: datetime = SAMPLES_NOW, **extra: Any
) -> Run:
    """Runs the steps as `kettle_web.verification` does: a step whose predecessors did not pass is not run."""
    steps = procedure_for(platform).steps
    context = Context(evidence, anchors=anchors or anchors_builtin(), now=now, **extra)
    outcomes: dict[str, str] = {}
    for step in steps:
        if any(outcomes[code] != "pass" for code in step.depends_on):
            outcomes[step.code] = "not-run"
            continue
        try:
            step.run(context)
            outcomes[step.code] = "pass"
        except CheckSkipped:
            outcomes[step.code] = "skipped"
        except (CheckFailed, CheckImpossible) as error:
            outcomes[step.code] = error.code
    return Run(outcomes, frozenset(step.code for step in steps if step.required), context)
