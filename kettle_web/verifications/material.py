"""The stored bytes of a build as `run_checks` takes them: documents, and artifacts by name."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from kettle_web.archives.limits import EVIDENCE_BYTES, PROVENANCE_BYTES
from kettle_web.archives.result import result_unpack
from kettle_web.builds.models import Build
from kettle_web.core.blobs import blob_open, blob_path_local, blob_read, blob_write_bytes, scratch_folder
from kettle_web.verifications.models import Artifact, ImportedFile

UNPACKED_PREFIX: Final = "result-"
ABANDONED_SECONDS: Final = 24 * 3600
"""No verification takes a day: an older folder belongs to a process that was killed."""


@dataclass(frozen=True)
class FileArtifacts:
    """Files of an unpacked result, by their names below `artifacts/`."""

    paths: dict[str, Path]

    def names(self) -> Iterable[str]:
        return self.paths.keys()

    def open(self, name: str) -> BinaryIO:
        return self.paths[name].open("rb")


@dataclass(frozen=True)
class BlobArtifacts:
    """Stored files, by name: SHA-256 in hex."""

    digests: dict[str, str]

    def names(self) -> Iterable[str]:
        return self.digests.keys()

    def open(self, name: str) -> BinaryIO:
        return blob_open(self.digests[name])


@dataclass(frozen=True)
class Material:
    provenance_bytes: bytes | None
    evidence_bytes: bytes | None
    provenance_sha256: str
    """Of the stored bytes, hex; empty: there is none."""
    evidence_sha256: str
    artifacts: FileArtifacts | BlobArtifacts


def _stored(data: bytes | None) -> str:
    return blob_write_bytes(data).sha256_hex if data is not None else ""


def abandoned_remove(*, now: float) -> int:
    """Remove what a killed process had unpacked, and give how many folders. `now`: seconds since 1970."""
    count = 0
    for folder in scratch_folder().glob(f"{UNPACKED_PREFIX}*"):
        with suppress(OSError):
            if now - folder.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
                count += 1
    return count


@contextmanager
def material_open(build: Build) -> Iterator[Material]:
    """Give what the build left behind; the artifacts' files are gone afterwards.

    Raises `ArchiveError` for a result that cannot or must not be unpacked, `CoreError` when the storage fails us.
    """
    if not build.result_sha256 or build.result_removed_at is not None:
        yield _loose(build)
        return
    abandoned_remove(now=time.time())
    with (
        blob_path_local(build.result_sha256) as path,
        tempfile.TemporaryDirectory(prefix=UNPACKED_PREFIX, dir=scratch_folder()) as folder,
    ):
        tree = result_unpack(path, Path(folder))
        provenance = tree.provenance_path.read_bytes() if tree.provenance_path else None
        evidence = tree.evidence_path.read_bytes() if tree.evidence_path else None
        yield Material(
            provenance_bytes=provenance,
            evidence_bytes=evidence,
            provenance_sha256=_stored(provenance),
            evidence_sha256=_stored(evidence),
            artifacts=FileArtifacts({name: file for name, file, _size in tree.artifacts}),
        )


def _loose(build: Build) -> Material:
    """Documents and files that were imported one by one."""
    provenance, evidence = build.provenance_sha256, build.evidence_sha256
    return Material(
        provenance_bytes=blob_read(provenance, PROVENANCE_BYTES) if provenance else None,
        evidence_bytes=blob_read(evidence, EVIDENCE_BYTES) if evidence else None,
        provenance_sha256=provenance,
        evidence_sha256=evidence,
        artifacts=BlobArtifacts(_loose_digests(build)),
    )


def _loose_digests(build: Build) -> dict[str, str]:
    """Files that came one by one; or, where the tarball was let go of, the artifacts that were stored from it."""
    if build.artifacts_removed_at is not None:
        return {}
    if build.result_sha256:
        return {row.name: row.sha256_hex for row in Artifact.objects.filter(build=build, is_stored=True)}
    return {row.name: row.sha256 for row in ImportedFile.objects.filter(build=build)}
