"""Are the files the ones that the build made?"""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO, Final

from kettle_web.attestation.checks import CheckFailed, CheckImpossible, Passed, Step
from kettle_web.provenance.statement import Subject
from kettle_web.verification.artifacts import ArtifactSource, CopiedArtifactSource, NoArtifacts
from kettle_web.verification.checks import documents
from kettle_web.verification.inquiry import Inquiry, NotAsked
from kettle_web.verification.report import ArtifactResult, Link, Outcome

SUBJECTS = "artifacts.subjects"
DIGESTS = "artifacts.digests"
CHUNK: Final = 256 * 1024
"""Bytes in memory at a time; artifacts may have gigabytes."""
NAME_LIMIT: Final = 255
"""Bytes of a file name on common file systems."""
_HIDDEN: Final = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that do not show or change how the rest shows: control, format and bidi, lone surrogates, breaks."""

_FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Source: Unicode, DerivedCoreProperties, Default_Ignorable_Code_Point, as far as `_HIDDEN` does not refuse them already."""


def name_fault(name: str) -> str:
    """Why a name cannot stand for a file; empty: it can."""
    if name.strip() in ("", ".", ".."):
        return "it is no file name"
    if "/" in name or "\\" in name:
        return "it holds a path separator"
    if any(unicodedata.category(letter) in _HIDDEN for letter in name):
        return "it holds control, direction or other invisible characters"
    if len(name.encode("utf-8", "surrogatepass")) > NAME_LIMIT:
        return f"it is longer than {NAME_LIMIT} bytes"
    return ""


def name_folded(name: str) -> str:
    """What two names have in common that a file system or a reader may take for one: case, composition, what does not show in any
    font, and at the end dots and spaces, which Windows drops.
    """
    seen = "".join(letter for letter in name if not _unseen(letter)) if not name.isascii() else name
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", seen).casefold()).strip().rstrip(". ")


def _unseen(letter: str) -> bool:
    """Fillers and variation selectors: letters and marks by category, and yet nothing to see."""
    return letter in _FILLERS or "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def _subjects(inquiry: Inquiry) -> Passed:
    subjects = inquiry.document.subjects
    if not subjects:
        raise CheckFailed("subjects.empty", "the document names no file: there is nothing that it could confirm")
    seen: dict[str, str] = {}
    for subject in subjects:
        fault = name_fault(subject.name)
        if fault:
            raise CheckFailed("subjects.name", f"the file name {subject.name[:120]!r} is refused: {fault}")
        folded = name_folded(subject.name)
        if folded in seen:
            raise CheckFailed("subjects.doubled", f"{subject.name!r} and {seen[folded]!r} may be one file")
        seen[folded] = subject.name
        if [algorithm for algorithm, _ in subject.digests] != ["sha256"] or not subject.sha256_hex:
            raise CheckFailed("subjects.digest", f"{subject.name!r} is not named by one SHA-256")
    return Passed(actual=f"{len(subjects)} named")


def _copies(source: ArtifactSource, name: str) -> Iterator[BinaryIO]:
    if isinstance(source, CopiedArtifactSource):
        yield from source.open_copies(name)
    else:
        yield source.open(name)


def _digest(stream: BinaryIO) -> tuple[str, int]:
    """SHA-256 in hex, and the number of bytes. Files are read into one buffer: a new one per chunk costs half as much as hashing."""
    digest, size = hashlib.sha256(), 0
    if not isinstance(stream, io.BufferedReader | io.BytesIO):
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
        return digest.hexdigest(), size
    view = memoryview(bytearray(CHUNK))
    while count := stream.readinto(view):
        digest.update(view[:count])
        size += count
    return digest.hexdigest(), size


def _result(source: ArtifactSource, present: frozenset[str], subject: Subject) -> ArtifactResult:
    name, wanted = subject.name, subject.sha256_hex
    if name not in present:
        return ArtifactResult(name, wanted, Outcome.ERROR, "its bytes are missing")
    size: int | None = None
    try:
        for stream in _copies(source, name):
            with stream:
                found, size = _digest(stream)
            if found != wanted:
                return ArtifactResult(name, wanted, Outcome.FAIL, f"its SHA-256 is {found}", size)
    except Exception as error:
        return ArtifactResult(name, wanted, Outcome.ERROR, f"its bytes could not be read ({type(error).__name__})")
    if size is None:
        return ArtifactResult(name, wanted, Outcome.ERROR, "its bytes are missing")
    return ArtifactResult(name, wanted, Outcome.PASS, size=size)


def _listed(results: list[ArtifactResult]) -> str:
    shown = ", ".join(item.name for item in results[:5])
    return shown if len(results) <= 5 else f"{shown} and {len(results) - 5} more"


def _digests(inquiry: Inquiry) -> Passed:
    if not inquiry.want_artifacts:
        raise NotAsked("artifacts.left-out", "left out as asked")
    if inquiry.artifact_results is None:
        source = inquiry.artifacts or NoArtifacts()
        present = frozenset(source.names())
        inquiry.unlisted = tuple(sorted(present - {item.name for item in inquiry.document.subjects}))
        inquiry.artifact_results = tuple(_result(source, present, item) for item in inquiry.document.subjects)
    results = inquiry.artifact_results
    failed = [item for item in results if item.outcome is Outcome.FAIL]
    unread = [item for item in results if item.outcome is Outcome.ERROR]
    counted = f"{len(results) - len(failed) - len(unread)} of {len(results)} match"
    if failed:
        raise CheckFailed(
            "artifacts.differ", f"not the file that was built: {_listed(failed)}",
            expected=failed[0].sha256, actual=f"{failed[0].reason}; {counted}",
        )  # fmt: skip
    missing = [item for item in unread if item.reason == "its bytes are missing"]
    if missing:
        raise CheckImpossible("artifacts.missing", f"the bytes of {_listed(missing)} are missing")
    if unread:
        raise CheckImpossible("artifacts.unreadable", f"the bytes of {_listed(unread)} could not be read")
    return Passed(actual=counted)


def results_shown(inquiry: Inquiry, reason: str) -> tuple[ArtifactResult, ...]:
    """One row for each file that the document names, also where nobody looked; then `reason` says why."""
    if inquiry.artifact_results is not None:
        return inquiry.artifact_results
    if inquiry.statement is None:
        return ()
    return tuple(ArtifactResult(item.name, item.sha256_hex, Outcome.SKIPPED, reason) for item in inquiry.statement.subjects)


STEPS: tuple[Step[Inquiry], ...] = (
    Step(
        code=SUBJECTS,
        title="The files are named without doubt",
        link=Link.ARTIFACTS,
        proves="The document names at least one file, none twice, each by a plain name and a SHA-256.",
        does_not_prove="That these are all files that the build made.",
        run=_subjects,
        depends_on=(documents.PROVENANCE,),
    ),
    Step(
        code=DIGESTS,
        title="Every file is the one that was built",
        link=Link.ARTIFACTS,
        proves="Every copy of every named file has exactly the SHA-256 that the provenance states.",
        does_not_prove="What the files do.",
        run=_digests,
        depends_on=(documents.PROVENANCE, SUBJECTS),
    ),
)
