"""Reader of `.git/index`: which files git tracks. Source: git's gitformat-index, versions 2, 3 and 4."""

import hashlib
from dataclasses import dataclass
from typing import Final

_HEADER_BYTES: Final = 12
_STAT_BYTES: Final = 40
"""Times, device, inode, mode, owner and size, before the object's name; the mode is at 24."""
_SHA1_BYTES: Final = 20
_EXTENDED: Final = 0x4000
_SKIP_WORKTREE: Final = 0x4000
"""In the extended flags: the file is tracked but deliberately not in the folder."""


class GitDataError(ValueError):
    """A file of `.git` that cannot be read. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    mode: int
    sha1: bytes
    absent: bool
    """Git does not expect the file in the folder (sparse checkout)."""


def index_parse(data: bytes) -> dict[str, IndexEntry]:
    """Give the tracked files by path. Raises `GitDataError`, also for a split, a sparse or an unmerged index."""
    if data[:4] != b"DIRC" or len(data) < _HEADER_BYTES + _SHA1_BYTES:
        raise GitDataError("It is not a git index.")
    version, count = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    if version not in (2, 3, 4):
        raise GitDataError(f"Version {version} of the git index is unknown.")
    body, checksum = data[:-_SHA1_BYTES], data[-_SHA1_BYTES:]
    # `index.skipHash` writes zeros.
    if checksum.strip(b"\0") and hashlib.sha1(body, usedforsecurity=False).digest() != checksum:
        raise GitDataError("The git index is damaged: its checksum does not match.")
    entries: dict[str, IndexEntry] = {}
    at, name = _HEADER_BYTES, b""
    for _ in range(count):
        start = at
        at += _STAT_BYTES + _SHA1_BYTES + 2
        fixed = body[start:at]
        if len(fixed) < _STAT_BYTES + _SHA1_BYTES + 2:
            raise GitDataError("The git index is cut off.")
        mode = int.from_bytes(fixed[24:28], "big")
        flags = int.from_bytes(fixed[60:62], "big")
        extended = 0
        if flags & _EXTENDED and version >= 3:
            extended = int.from_bytes(body[at : at + 2], "big")
            at += 2
        strip = 0
        if version == 4:
            strip, at = _offset(body, at)
            if strip > len(name):
                raise GitDataError("The git index is damaged: a name is cut more than it is long.")
        end = body.find(b"\0", at)
        if end < 0:
            raise GitDataError("The git index is cut off.")
        name = name[: len(name) - strip] + body[at:end] if version == 4 else body[at:end]
        at = end + 1 if version == 4 else start + (end - start + 8) // 8 * 8
        if flags >> 12 & 3:
            raise GitDataError("The repository is in the middle of a merge.")
        if mode == 0o040000:
            raise GitDataError("The git index is sparse.")
        try:
            path = name.decode("utf-8")
        except UnicodeDecodeError as error:
            raise GitDataError("The git index holds a name that is not UTF-8.") from error
        entries[path] = IndexEntry(mode, fixed[_STAT_BYTES : _STAT_BYTES + _SHA1_BYTES], bool(extended & _SKIP_WORKTREE))
    if b"link" in _extensions(body, at):
        raise GitDataError("The git index is split over two files.")
    return entries


def _offset(data: bytes, at: int) -> tuple[int, int]:
    """The variable-width number of pack files («offset encoding»), and where it ends."""
    value = -1
    for index in range(at, min(at + 8, len(data))):
        value = (value + 1) << 7 | data[index] & 0x7F
        if not data[index] & 0x80:
            return value, index + 1
    raise GitDataError("The git index is cut off.")


def _extensions(data: bytes, at: int) -> set[bytes]:
    found = set()
    while at + 8 <= len(data):
        found.add(data[at : at + 4])
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return found
