"""A strict, streaming reader of ZIP archives.

Own code, because Python's zipfile loads a central directory of any size, trusts it over the local headers, and takes overlapping
entries. Only stored and deflated entries are taken. Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5; D. Fifield, «A better
zip bomb» (overlapping entries).
"""

import stat
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from kettle_web.archives.entries import Contents, Entry, Kind
from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.gate import Gate
from kettle_web.archives.limits import CENTRAL_DIRECTORY_BYTES, CHUNK_BYTES, PATH_BYTES, Limits
from kettle_web.archives.names import REPACK, name_shown
from kettle_web.archives.zipend import central_directory_find

_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_MAX32: Final = 0xFFFFFFFF
_ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000
_HAS_DESCRIPTOR: Final = 0x0008
_UNIX: Final = frozenset((3, 19))
"""«Version made by», upper byte: Unix and macOS, whose upper 16 bits of the external attributes are the mode."""
_ZIP64_EXTRA: Final = 0x0001
_UNICODE_PATH_EXTRA: Final = 0x7075
_AGAIN: Final = "Make it again and upload that."


def _malformed(what: str) -> ArchiveError:
    return ArchiveError("archive.malformed", f"The archive is damaged: {what}.", _AGAIN)


@dataclass(slots=True)
class _Record:
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int | None
    """Unix mode; None where none is held."""


def _extras(data: bytes) -> dict[int, bytes]:
    extras: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        identifier, length = struct.unpack_from("<HH", data, at)
        if at + 4 + length > len(data):
            break
        extras.setdefault(identifier, data[at + 4 : at + 4 + length])
        at += 4 + length
    return extras


def _zip64(values: list[int], extra: bytes | None) -> list[int]:
    """Replace each value that is all ones by the next 64-bit number of the extra field."""
    at = 0
    for index, value in enumerate(values):
        if value != _MAX32:
            continue
        if extra is None or at + 8 > len(extra):
            raise _malformed("a 64-bit size is announced but missing")
        values[index] = int.from_bytes(extra[at : at + 8], "little")
        at += 8
    return values


class ZipReader:
    """Gives the entries in the order of the central directory."""

    def __init__(self, file: BinaryIO, gate: Gate, limits: Limits) -> None:
        self._file = file
        self._gate = gate
        self._directory = central_directory_find(file)
        if self._directory.count > limits.max_files:
            raise ArchiveError(
                "archive.too-many-files",
                f"The archive holds more than {limits.max_files} files.",
                "Leave build outputs and dependency folders out.",
            )
        if self._directory.size > CENTRAL_DIRECTORY_BYTES:
            raise ArchiveError("archive.header-too-large", "The archive's table of contents is of unreasonable size.", REPACK)

    def _records(self) -> Iterator[_Record]:
        at, end = self._directory.offset, self._directory.offset + self._directory.size
        for _ in range(self._directory.count):
            self._file.seek(at)
            fixed = self._file.read(_CENTRAL.size)
            if len(fixed) < _CENTRAL.size or at + len(fixed) > end:
                raise _malformed("its table of contents is cut off")
            (
                magic,
                made_by,
                _,
                flags,
                method,
                _,
                _,
                crc,
                packed,
                size,
                name_length,
                extra_length,
                comment_length,
                disk,
                _,
                attributes,
                offset,
            ) = _CENTRAL.unpack(fixed)
            if magic != b"PK\x01\x02" or disk not in (0, 0xFFFF):
                raise _malformed("its table of contents cannot be read")
            variable = self._file.read(name_length + extra_length)
            at += _CENTRAL.size + name_length + extra_length + comment_length
            if len(variable) < name_length + extra_length or at > end:
                raise _malformed("its table of contents is cut off")
            name, extras = variable[:name_length], _extras(variable[name_length:])
            size, packed, offset = _zip64([size, packed, offset], extras.get(_ZIP64_EXTRA))
            if _UNICODE_PATH_EXTRA in extras and extras[_UNICODE_PATH_EXTRA][5:] != name:
                raise self._misleading(name, "has two different names")
            mode = attributes >> 16 if made_by >> 8 in _UNIX and attributes >> 16 else None
            yield _Record(name, flags, method, crc, packed, size, offset, mode)
        if at != end:
            raise _malformed("its table of contents holds more than it says")

    def _misleading(self, name: bytes, what: str) -> ArchiveError:
        shown = name_shown(name.decode("utf-8", "backslashreplace"))
        return ArchiveError(
            "archive.misleading-header", f"«{shown}» {what}: programs would not agree on what is in the archive.", REPACK, paths=(shown,)
        )

    def _refuse_overlaps(self) -> None:
        """Entries that share bytes make bombs, and differ between readers."""
        starts, ends = array("Q"), array("Q")
        for record in self._records():
            starts.append(record.offset)
            ends.append(record.offset + _LOCAL.size + len(record.name) + record.packed)
        order = sorted(range(len(starts)), key=starts.__getitem__)
        last = 0
        for index in order:
            if starts[index] < last:
                raise ArchiveError(
                    "archive.overlap", "Entries of the archive share the same bytes: that is how archive bombs look.", REPACK
                )
            last = ends[index]
        if last > self._directory.offset:
            raise _malformed("an entry reaches into the table of contents")

    def entries(self) -> Iterator[tuple[Entry, Contents]]:
        """Give each entry with its content. Raises `ArchiveError`."""
        self._refuse_overlaps()
        for record in self._records():
            shown = name_shown(record.name.decode("utf-8", "backslashreplace"))
            if record.flags & _ENCRYPTED:
                raise ArchiveError("archive.encrypted", f"«{shown}» is encrypted.", "Make the archive without a password.", paths=(shown,))
            if record.method not in (0, 8):
                raise ArchiveError(
                    "archive.compression",
                    f"«{shown}» is compressed by a method that is not taken.",
                    "Use the usual method, deflate.",
                    paths=(shown,),
                )
            kind = self._kind(record, shown)
            start = self._check_local(record)
            raw_target = b""
            if kind is Kind.LINK:
                if record.size > PATH_BYTES:
                    raise _malformed(f"«{shown}» is a link of unreasonable length")
                raw_target = b"".join(self._contents(record, start))
            executable = None if record.mode is None else bool(record.mode & 0o100)
            entry = self._gate.admit(record.name, kind, record.size, executable, raw_target)
            if entry is None:
                continue
            contents = self._contents(record, start) if kind is Kind.FILE else iter(())
            yield entry, contents
            for _ in contents:
                pass

    def _kind(self, record: _Record, shown: str) -> Kind:
        is_folder_name = record.name.endswith(b"/")
        form = stat.S_IFMT(record.mode or 0)
        if form == stat.S_IFLNK and not is_folder_name:
            return Kind.LINK
        if form in (0, stat.S_IFREG) and not is_folder_name:
            return Kind.FILE
        if form in (0, stat.S_IFDIR) and is_folder_name:
            if record.size or record.packed > 2:
                raise _malformed(f"«{shown}» is a folder with content")
            return Kind.FOLDER
        if form in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK):
            raise ArchiveError("archive.device", f"The archive holds «{shown}»: a device or pipe.", "Remove it.", paths=(shown,))
        raise self._misleading(record.name, "is a folder by its name and something else by its mode")

    def _check_local(self, record: _Record) -> int:
        """Give the offset of the entry's data. Raises `ArchiveError` where the local header tells another story."""
        self._file.seek(record.offset)
        fixed = self._file.read(_LOCAL.size)
        if len(fixed) < _LOCAL.size:
            raise ArchiveError("archive.truncated", "The archive is cut off.", "Upload it again.")
        magic, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(fixed)
        if magic != b"PK\x03\x04":
            raise _malformed("an entry is not where the table of contents says")
        variable = self._file.read(name_length + extra_length)
        if variable[:name_length] != record.name or method != record.method or (flags ^ record.flags) & (_ENCRYPTED | _HAS_DESCRIPTOR):
            raise self._misleading(record.name, "is described differently in two places")
        told = [crc, packed, size]
        if not (flags & _HAS_DESCRIPTOR and told in ([0, 0, 0], [0, _MAX32, _MAX32])):
            size, packed = _zip64([size, packed], _extras(variable[name_length:]).get(_ZIP64_EXTRA))
            if (crc, packed, size) != (record.crc, record.packed, record.size):
                raise self._misleading(record.name, "is described differently in two places")
        start: int = record.offset + _LOCAL.size + name_length + extra_length
        if start + record.packed > self._directory.offset:
            raise ArchiveError("archive.truncated", "The archive is cut off.", "Upload it again.")
        return start

    def _contents(self, record: _Record, start: int) -> Contents:
        """The bytes, with size and CRC-32 verified at the end."""
        crc, got, at, left = 0, 0, start, record.packed
        decoder = zlib.decompressobj(-15) if record.method == 8 else None
        packed = b""
        while left or packed:
            if not packed:
                self._file.seek(at)
                packed = self._file.read(min(left, CHUNK_BYTES))
                if not packed:
                    raise ArchiveError("archive.truncated", "The archive is cut off.", "Upload it again.")
                at, left = at + len(packed), left - len(packed)
            if decoder is None:
                plain, packed = packed, b""
            else:
                if decoder.eof:
                    raise _malformed("compressed data goes on after its end")
                try:
                    plain = decoder.decompress(packed, CHUNK_BYTES)
                except zlib.error as error:
                    raise _malformed("its compressed data cannot be read") from error
                packed = decoder.unconsumed_tail or decoder.unused_data
            got += len(plain)
            if got > record.size:
                raise self._misleading(record.name, "is larger than it says")
            crc = zlib.crc32(plain, crc)
            if plain:
                self._gate.took(len(plain))
                yield plain
        if decoder is not None and not decoder.eof:
            # zlib may hold back output when a piece was filled exactly; there is no input left, so this is bounded by the window.
            plain = decoder.flush()
            got += len(plain)
            if got <= record.size and plain:
                crc = zlib.crc32(plain, crc)
                self._gate.took(len(plain))
                yield plain
            if not decoder.eof:
                raise ArchiveError("archive.truncated", "The archive's compressed data is cut off.", "Make it again and upload that.")
        if got != record.size:
            raise self._misleading(record.name, "is of another size than it says")
        if crc != record.crc:
            raise ArchiveError("archive.checksum", "The archive is damaged: a checksum does not match.", _AGAIN)
