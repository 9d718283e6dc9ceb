"""Result tarballs of a Kettle server: hostile until verified. Source: the Kettle API's documentation, GET /build/{id}/result."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kettle_web.archives.entries import Entry, Kind
from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.limits import EVIDENCE_BYTES, MIB, PROVENANCE_BYTES, RESULT_LIMITS, Limits
from kettle_web.archives.names import name_shown
from kettle_web.archives.reader import archive_open
from kettle_web.archives.unpack import archive_unpack

PROVENANCE: Final = "provenance.json"
EVIDENCE: Final = "evidence.json"
ARTIFACTS: Final = "artifacts"
MAX_ARTIFACTS: Final = 1024
_DOCUMENTS: Final = {PROVENANCE: PROVENANCE_BYTES, EVIDENCE: EVIDENCE_BYTES}
_ADVICE: Final = "Ask for the result again; if it stays so, the server is not a Kettle server or is broken."


@dataclass(frozen=True)
class ResultTree:
    """An unpacked result. Nothing in it is verified yet."""

    project: str
    """Name of the top-level folder."""
    provenance_path: Path | None
    """None: the result holds no provenance.json, so nothing says what was built."""
    evidence_path: Path | None
    """None: built, not attested."""
    artifacts: tuple[tuple[str, Path, int], ...]
    """Name below `artifacts/`, place, size in bytes; sorted by name."""
    extras: tuple[str, ...]
    """Other files that the tarball holds: tolerated, never offered as artifacts."""


def _vet(entry: Entry) -> None:
    """What a result may not hold, decided before a byte of it is written."""
    shown = name_shown(entry.path)
    if entry.kind is Kind.LINK:
        raise ArchiveError("result.symlink", f"The result holds «{shown}»: a symbolic link.", _ADVICE, paths=(shown,))
    _, _, inner = entry.path.partition("/")
    if not inner and entry.kind is Kind.FILE:
        raise ArchiveError("result.layout", f"The result holds «{shown}» outside of a project folder.", _ADVICE, paths=(shown,))
    if inner in _DOCUMENTS:
        if entry.kind is not Kind.FILE:
            raise ArchiveError("result.layout", f"In the result, «{inner}» is not a file.", _ADVICE, paths=(shown,))
        if entry.size > _DOCUMENTS[inner]:
            raise ArchiveError(
                "result.document-too-large", f"The result's {inner} is larger than {_DOCUMENTS[inner] // MIB} MiB.", _ADVICE, paths=(shown,)
            )
    if inner == ARTIFACTS and entry.kind is not Kind.FOLDER:
        raise ArchiveError("result.layout", "In the result, «artifacts» is not a folder.", _ADVICE, paths=(shown,))


def result_unpack(path: Path, into: Path, *, limits: Limits = RESULT_LIMITS) -> ResultTree:
    """Unpack a result tarball into the empty folder `into` and give what is in it. Raises `ArchiveError`; proves nothing."""
    with archive_open(path, limits) as reading:
        if reading.kind != "tar.gz":
            raise ArchiveError("result.not-tar-gz", "The result is not a gzip-compressed tar archive.", _ADVICE)
    top = archive_unpack(path, into, limits, vet=_vet).top_folder
    if not top:
        raise ArchiveError("result.layout", "The result does not hold exactly one project folder.", _ADVICE)
    folder = into / top
    artifacts: list[tuple[str, Path, int]] = []
    extras: list[str] = []
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_dir() or name in _DOCUMENTS:
            continue
        if name.startswith(ARTIFACTS + "/"):
            artifacts.append((name.removeprefix(ARTIFACTS + "/"), file, file.stat().st_size))
        else:
            extras.append(name)
    if len(artifacts) > MAX_ARTIFACTS:
        raise ArchiveError("result.too-many-artifacts", f"The result holds more than {MAX_ARTIFACTS} artifacts.", _ADVICE)
    provenance, evidence = folder / PROVENANCE, folder / EVIDENCE
    if not provenance.is_file() and not evidence.is_file():
        raise ArchiveError("result.no-documents", "The result holds neither provenance.json nor evidence.json.", _ADVICE)
    return ResultTree(
        project=top,
        provenance_path=provenance if provenance.is_file() else None,
        evidence_path=evidence if evidence.is_file() else None,
        artifacts=tuple(artifacts),
        extras=tuple(extras),
    )
