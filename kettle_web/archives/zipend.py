"""Where a ZIP's central directory lies. Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16."""

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from kettle_web.archives.errors import ArchiveError

_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_MAX_COMMENT: Final = 0xFFFF
_AGAIN: Final = "Make it again and upload that."


@dataclass(frozen=True, slots=True)
class CentralDirectory:
    offset: int
    size: int
    count: int


def _malformed(what: str) -> ArchiveError:
    return ArchiveError("archive.malformed", f"The archive is damaged: {what}.", _AGAIN)


def central_directory_find(file: BinaryIO) -> CentralDirectory:
    """Give the place and size of the table of contents.

    Raises `ArchiveError`: truncated (no end record), trailing-data (bytes after it), ambiguous (two end records fit the file's end, of
    which readers take different ones), malformed.
    """
    length = file.seek(0, os.SEEK_END)
    tail_at = max(0, length - _END.size - _MAX_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    fitting: list[int] = []
    seen = False
    at = tail.find(b"PK\x05\x06")
    while at >= 0:
        if at + _END.size <= len(tail):
            seen = True
            comment_length = int.from_bytes(tail[at + 20 : at + 22], "little")
            if at + _END.size + comment_length == len(tail):
                fitting.append(at)
        at = tail.find(b"PK\x05\x06", at + 1)
    if not fitting:
        if seen:
            raise ArchiveError(
                "archive.trailing-data", "Something else follows the end of the archive, or a part of it is missing.", _AGAIN
            )
        raise ArchiveError("archive.truncated", "The archive is cut off: its table of contents is missing.", "Upload it again.")
    if len(fitting) > 1:
        raise ArchiveError(
            "archive.ambiguous", "The archive has two tables of contents: programs would not agree on what is in it.", _AGAIN
        )
    end_at = tail_at + fitting[0]
    _, disk, start_disk, here, count, size, offset, _ = _END.unpack_from(tail, fitting[0])
    if 0xFFFF in (count, here) or 0xFFFFFFFF in (size, offset):
        found = _zip64_end(file, end_at)
        if found is not None:
            return found
    if disk or start_disk or here != count:
        raise _malformed("it is one part of several")
    if offset + size != end_at:
        raise _malformed("its table of contents is not where it should be")
    return CentralDirectory(offset, size, count)


def _zip64_end(file: BinaryIO, end_at: int) -> CentralDirectory | None:
    """Give what the 64-bit end record says; None where there is none and the plain record's large numbers are meant."""
    if end_at < _LOCATOR.size + _END64.size:
        return None
    file.seek(end_at - _LOCATOR.size)
    magic, disk, record_at, disks = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if magic != b"PK\x06\x07":
        return None
    if disk or disks > 1 or record_at + _END64.size > end_at - _LOCATOR.size:
        raise _malformed("its 64-bit end record cannot be read")
    file.seek(record_at)
    magic, record_size, _, _, disk, start_disk, here, count, size, offset = _END64.unpack(file.read(_END64.size))
    if magic != b"PK\x06\x06" or record_at + 12 + record_size != end_at - _LOCATOR.size or disk or start_disk or here != count:
        raise _malformed("its 64-bit end record cannot be read")
    if offset + size != record_at:
        raise _malformed("its table of contents is not where it should be")
    return CentralDirectory(offset, size, count)
