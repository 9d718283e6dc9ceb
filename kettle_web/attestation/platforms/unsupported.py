"""Platforms that cannot be checked: known ones «not supported yet», unknown ones refused.

The procedure of a known one: 1. `<platform>.support` says that this program cannot check it, which is not the same as a failure.
The procedure of an unknown one: 1. `platform` fails.
"""

from __future__ import annotations

from typing import Final

from ..checks import CheckFailed, CheckImpossible, Passed, Step
from .context import Context, Procedure

TITLES: Final = {
    "tdx": "Intel TDX",
    "gcp-tdx": "Intel TDX",
    "az-tdx": "Intel TDX on Azure",
    "dstack": "Intel TDX with dstack",
}


def known_procedure(platform: str) -> Procedure:
    """For a platform of `TITLES`: one step that could not be made."""
    title = TITLES[platform]

    def support(context: Context) -> Passed:
        raise CheckImpossible("platform.unsupported", f"Evidence of {title} ({platform}) is not supported yet.")

    step = Step(
        f"{platform}.support", f"The evidence of {title} holds", "documents", "That the evidence was signed by the vendor's hardware.",
        "Nothing is proven as long as it cannot be checked.", support,
    )  # fmt: skip
    return Procedure(title, (step,))


def _unknown(context: Context) -> Passed:
    raise CheckFailed("platform.unknown", "The evidence is of a platform that does not exist for this program.")


UNKNOWN: Final = Procedure(
    "Unknown platform",
    (
        Step("platform", "The platform is known", "documents", "That there is a way to check this evidence.", "Anything about it.",
             _unknown),
    ),
)  # fmt: skip
