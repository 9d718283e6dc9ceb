"""A bundle on disk: a folder, a result tarball, or an evidence.json on its own."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from kettle_web.provenance.statement import DOCUMENT_LIMIT
from kettle_web.verification.artifacts import ArtifactSource, FolderArtifacts, NoArtifacts, file_open_regular

EVIDENCE_LIMIT: Final = 10 * 1024 * 1024
"""Bytes. Source: evidence facts, section 0."""
_GZIP_MAGIC: Final = b"\x1f\x8b"


class BundleError(Exception):
    """Nothing that could be read as a bundle is there. `code` is stable; the message is a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Bundle:
    """What a path holds. Nothing in it is verified. Close it: a tarball lies unpacked in a temporary folder until then."""

    provenance_bytes: bytes | None
    evidence_bytes: bytes | None
    artifacts: ArtifactSource
    is_lone_evidence: bool = False
    temporary: Path | None = field(default=None, repr=False)

    def close(self) -> None:
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)
            self.temporary = None

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


def bundle_open(path: Path) -> Bundle:
    """Opens what is at `path`. Raises `BundleError`.

    A tarball is unpacked under caps. A lone file counts as evidence.json when it is an evidence envelope.
    """
    try:
        if path.is_dir():
            return _folder(path)
        with file_open_regular(path, follow=True) as stream:
            start = stream.read(2)
        return _tarball(path) if start == _GZIP_MAGIC else _lone(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BundleError("bundle.unreadable", f"{path} cannot be read: {reason}.") from error


def _folder(folder: Path) -> Bundle:
    provenance = _document(folder / "provenance.json", DOCUMENT_LIMIT)
    evidence = _document(folder / "evidence.json", EVIDENCE_LIMIT)
    if provenance is None and evidence is None:
        raise BundleError("bundle.empty", f"{folder} holds neither provenance.json nor evidence.json.")
    return Bundle(provenance, evidence, FolderArtifacts(folder))


def _document(path: Path, limit: int, *, follow: bool = False) -> bytes | None:
    """The bytes of a document, or None where there is no such file; one byte more than `limit` at most, for its check."""
    try:
        with file_open_regular(path, follow=follow) as stream:
            return stream.read(limit + 1)
    except FileNotFoundError:
        return None


def _tarball(path: Path) -> Bundle:
    from kettle_web.archives.errors import ArchiveError
    from kettle_web.archives.result import result_unpack

    temporary = Path(tempfile.mkdtemp(prefix="kettle-bundle-"))
    try:
        tree = result_unpack(path, temporary)
        bundle = _folder(temporary / tree.project)
    except ArchiveError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise BundleError(error.code, str(error)) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    bundle.temporary = temporary
    return bundle


def _lone(path: Path) -> Bundle:
    from kettle_web.attestation.checks import AttestationError
    from kettle_web.attestation.envelope import envelope_parse

    data = _document(path, EVIDENCE_LIMIT, follow=True) or b""
    try:
        envelope_parse(data)
    except AttestationError as error:
        raise BundleError(
            "bundle.not-evidence", f"{path} is neither a folder, nor a result tarball, nor an evidence.json: {error}"
        ) from error
    return Bundle(None, data, NoArtifacts(), is_lone_evidence=True)
