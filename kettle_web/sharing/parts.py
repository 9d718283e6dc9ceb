"""The parts of a build that a link may show, what each means in words, and which documents need which.

A part that was not chosen stays hidden everywhere: on the page, in JSON, in the portable proof, in print.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Part(StrEnum):
    VERDICT = "verdict"
    PROVENANCE = "provenance"
    DEPENDENCIES = "dependencies"
    LOG = "log"
    ARTIFACTS = "artifacts"


PARTS_DEFAULT: Final = (Part.VERDICT, Part.PROVENANCE, Part.DEPENDENCIES, Part.ARTIFACTS)
PART_TITLES: Final[dict[Part, str | Promise]] = {
    Part.VERDICT: _("Verdict"),
    Part.PROVENANCE: _("Evidence and provenance"),
    Part.DEPENDENCIES: _("Dependencies"),
    Part.LOG: _("Log"),
    Part.ARTIFACTS: _("Downloads of the files"),
}
PART_TEXTS: Final[dict[Part, str | Promise]] = {
    Part.VERDICT: _("The sentence, the chain, source and commit, the files' names and digests. Always shown."),
    Part.PROVENANCE: _("How it was built, the values behind every check, and the hardware's evidence, so that visitors can check it."),
    Part.DEPENDENCIES: _("Every package that went in. Without it the provenance cannot be handed out, nor its digest be checked."),
    Part.LOG: _("What the build printed. It is not covered by the attestation."),
    Part.ARTIFACTS: _("The built files themselves."),
}
DOCUMENT_NEEDS: Final = {
    "evidence.json": frozenset({Part.PROVENANCE}),
    # It lists every dependency.
    "provenance.json": frozenset({Part.PROVENANCE, Part.DEPENDENCIES}),
    # It holds the provenance and all files.
    "result.tar.gz": frozenset({Part.PROVENANCE, Part.DEPENDENCIES, Part.ARTIFACTS}),
}


def parts_ordered(values: Iterable[Any]) -> tuple[Part, ...]:
    """The known ones among these, each once, in the order of a page; the verdict always."""
    known = {value for value in values if isinstance(value, str)}
    return tuple(part for part in Part if part is Part.VERDICT or part.value in known)


def document_is_shown(name: str, parts: frozenset[Part], *, is_one_file: bool) -> bool:
    """Whether a raw document may be handed out. A link to one file never hands out the archive with all of them."""
    needs = DOCUMENT_NEEDS.get(name)
    return needs is not None and needs <= parts and not (is_one_file and name == "result.tar.gz")
