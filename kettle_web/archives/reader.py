"""One way to read both formats."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kettle_web.archives import gunzip
from kettle_web.archives.entries import Contents, Entry
from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.gate import Gate
from kettle_web.archives.limits import MIB, Limits
from kettle_web.archives.tarread import TarReader
from kettle_web.archives.zipread import ZipReader

ArchiveKind = Literal["zip", "tar.gz"]
_MAGIC_BYTES = 4


def archive_kind(first: bytes) -> ArchiveKind:
    """Give the format by the file's first four bytes; a name proves nothing. Raises `ArchiveError`."""
    if not first:
        raise ArchiveError("archive.empty", "The file is empty.", "Choose the archive again: perhaps it was still being written.")
    if first.startswith(gunzip.MAGIC):
        return "tar.gz"
    if first.startswith(b"PK\x03\x04"):
        return "zip"
    if first.startswith(b"PK\x05\x06"):
        raise ArchiveError("archive.empty", "The archive is empty.", "Upload an archive of the project's folder.")
    raise ArchiveError("archive.unknown-format", "This is neither a ZIP nor a tar.gz archive.", "Pack the project as ZIP or tar.gz.")


@dataclass
class Reading:
    """An archive being read."""

    kind: ArchiveKind
    packed_bytes: int
    _reader: TarReader | ZipReader
    _gate: Gate
    top_folder: str = field(default="", init=False)
    """The single top-level folder, known after the last entry; "" when there is none."""

    def __iter__(self) -> Iterator[tuple[Entry, Contents]]:
        """Give each entry with its content, which is to be taken before the next one. Raises `ArchiveError`."""
        yield from self._reader.entries()
        self.top_folder = self._gate.finish()


@contextmanager
def archive_open(path: Path, limits: Limits) -> Iterator[Reading]:
    """Open an archive for one reading, once through. Raises `ArchiveError`."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise ArchiveError("archive.unreadable", "The archive cannot be read.", "Upload it again.") from error
    with file:
        size = path.stat().st_size
        kind = archive_kind(file.read(_MAGIC_BYTES))
        if size > limits.max_archive_bytes:
            raise ArchiveError(
                "archive.too-large",
                f"The archive is larger than {limits.max_archive_bytes // MIB} MiB.",
                "Leave build outputs and large files out.",
            )
        file.seek(0)
        gate = Gate(limits, size)
        reader = TarReader(file, gate) if kind == "tar.gz" else ZipReader(file, gate, limits)
        yield Reading(kind, size, reader, gate)
