"""Platforms that do not exist for this program. The procedure: 1. `platform` fails."""

from __future__ import annotations

from typing import Final

from ..checks import CheckFailed, Passed, Step
from .context import Context, Procedure


def _unknown(context: Context) -> Passed:
    raise CheckFailed("platform.unknown", "The evidence is of a platform that does not exist for this program.")


UNKNOWN: Final = Procedure(
    "Unknown platform",
    (
        Step("platform", "The platform is known", "documents", "That there is a way to check this evidence.", "Anything about it.",
             _unknown),
    ),
)  # fmt: skip
