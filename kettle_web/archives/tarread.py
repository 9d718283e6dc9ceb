"""A strict, streaming reader of gzip-compressed tar archives.

Own code, because Python's tarfile reads extended headers of any size into memory and lets later readers disagree: it takes sparse
members, devices, hard links, sizes on folders. Source: POSIX.1-2017 pax, «ustar Interchange Format» and «pax Header Block»; GNU tar
manual, «Basic Tar Format» (types L, K, S; base-256 numbers).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from kettle_web.archives.entries import Contents, Entry, Kind
from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.gate import Gate
from kettle_web.archives.gunzip import GzipStream
from kettle_web.archives.limits import CHUNK_BYTES, PATH_BYTES, PAX_HEADER_BYTES
from kettle_web.archives.names import REPACK, name_shown

_BLOCK: Final = 512
_EXTENSIONS: Final = 8
"""Extended headers before one entry. Writers use two or three; millions of empty ones would only cost time."""
_FILE_TYPES: Final = frozenset((b"0", b"\0", b"7"))
_DEVICES: Final = {b"3": "a character device", b"4": "a block device", b"6": "a named pipe"}
_AGAIN: Final = "Make it again and upload that."


def _malformed(what: str) -> ArchiveError:
    return ArchiveError("archive.malformed", f"The archive is damaged: {what}.", _AGAIN)


@dataclass(slots=True)
class _Header:
    name: bytes
    size: int
    mode: int
    type: bytes
    link: bytes


def _number(field: bytes) -> int:
    """Octal digits ended by NUL or space, or base-256 with the top bit set. Raises `ArchiveError` for anything else."""
    if field[0] & 0x80:
        if field[0] == 0xFF:
            raise _malformed("a header holds a negative number")
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.strip(b" \0")
    if not all(0x30 <= c <= 0x37 for c in digits):
        raise _malformed("a header holds something that is not a number")
    return int(digits, 8) if digits else 0


def _header(block: bytes) -> _Header:
    checksum = sum(block[:148]) + 8 * 0x20 + sum(block[156:])
    if _number(block[148:156]) != checksum:
        raise _malformed("a header's checksum does not match")
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0] if block[257:263] == b"ustar\0" else b""
    return _Header(
        name=prefix + b"/" + name if prefix else name,
        size=_number(block[124:136]),
        mode=_number(block[100:108]),
        type=block[156:157],
        link=block[157:257].split(b"\0", 1)[0],
    )


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    """`length key=value newline`, the length counting itself. Raises `ArchiveError`."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 8)
        digits = data[at:space] if space >= 0 else b""
        if not digits.isdigit():
            raise _malformed("an extended header cannot be read")
        end = at + int(digits)
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end > len(data) or end <= space + 1 or data[end - 1 : end] != b"\n" or not equals or not key:
            raise _malformed("an extended header cannot be read")
        records[key] = value
        at = end
    return records


class TarReader:
    """Gives the entries in the order in which they are packed."""

    def __init__(self, file: BinaryIO, gate: Gate) -> None:
        self._stream = GzipStream(file)
        self._gate = gate

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._stream.read(min(size, CHUNK_BYTES))
            if not part:
                raise ArchiveError("archive.truncated", "The archive is cut off: its end is missing.", "Upload it again.")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _block_or_end(self) -> bytes:
        """A header block; b"" where the compressed stream ends between entries, which some writers leave so."""
        first = self._stream.read(_BLOCK)
        if first:
            self._gate.took(_BLOCK)
        return first + self._exactly(_BLOCK - len(first)) if first else b""

    def _contents(self, size: int) -> Contents:
        left = size
        while left:
            part = self._stream.read(min(left, CHUNK_BYTES))
            if not part:
                raise ArchiveError("archive.truncated", "The archive is cut off: its end is missing.", "Upload it again.")
            left -= len(part)
            self._gate.took(len(part))
            yield part
        if size % _BLOCK:
            self._exactly(_BLOCK - size % _BLOCK)

    def _small(self, size: int) -> bytes:
        if size > PAX_HEADER_BYTES:
            raise ArchiveError("archive.header-too-large", "The archive holds an extended header of unreasonable size.", REPACK)
        return b"".join(self._contents(size))

    def entries(self) -> Iterator[tuple[Entry, Contents]]:
        """Give each entry with its content. Raises `ArchiveError`."""
        pax: dict[bytes, bytes] = {}
        long: dict[bytes, bytes] = {}
        first, extensions = True, 0
        while True:
            block = self._block_or_end()
            if not block.strip(b"\0"):
                if pax or long:
                    raise _malformed("an extended header is followed by nothing")
                self._drain(bool(block))
                return
            try:
                header = _header(block)
            except ArchiveError as error:
                if not first:
                    raise
                raise ArchiveError(
                    "archive.not-tar", "The file is compressed with gzip, but holds no tar archive.", "Upload a ZIP or a tar.gz."
                ) from error
            first = False
            if header.type in (b"x", b"g", b"L", b"K"):
                extensions += 1
                if extensions > _EXTENSIONS:
                    raise _malformed("an entry has too many extended headers")
                data = self._small(header.size)
                if header.type in (b"x", b"g"):
                    records = _pax_records(data)
                    self._check_pax(records, is_global=header.type == b"g")
                    if header.type == b"x":
                        pax.update(records)
                else:
                    long[header.type] = data.rstrip(b"\0")
                continue
            header.name = pax.get(b"path", long.get(b"L", header.name))
            header.link = pax.get(b"linkpath", long.get(b"K", header.link))
            if b"size" in pax:
                if not pax[b"size"].isdigit() or len(pax[b"size"]) > 18:
                    raise _malformed("an extended header holds something that is not a size")
                header.size = int(pax[b"size"])
            pax, long, extensions = {}, {}, 0
            yield from self._entry(header)

    def _entry(self, header: _Header) -> Iterator[tuple[Entry, Contents]]:
        kind = self._kind(header)
        if kind is not Kind.FILE and header.size:
            # Readers disagree on whether such data is there, and so on where the next entry begins.
            raise _malformed(f"a {kind.value} with content")
        entry = self._gate.admit(header.name, kind, header.size, bool(header.mode & 0o100), header.link)
        if entry is None:
            return
        contents = self._contents(header.size)
        yield entry, contents
        for _ in contents:
            pass

    def _check_pax(self, records: dict[bytes, bytes], *, is_global: bool) -> None:
        if any(key.startswith(b"GNU.sparse.") for key in records):
            raise ArchiveError("archive.sparse", "The archive holds sparse files.", "Pack it again without sparse files.")
        if is_global and records.keys() & {b"path", b"linkpath", b"size"}:
            raise _malformed("a global header gives all entries one name or size")
        if len(records.get(b"path", b"")) > 2 * PATH_BYTES:
            raise ArchiveError("archive.name-too-long", "The archive holds a path of unreasonable length.", REPACK)

    def _kind(self, header: _Header) -> Kind:
        shown = name_shown(header.name.decode("utf-8", "backslashreplace"))
        if header.type in _FILE_TYPES:
            if not header.name.endswith(b"/"):
                return Kind.FILE
            if header.type != b"\0":
                raise _malformed(f"«{shown}» is a file with a folder's name")
            return Kind.FOLDER
        if header.type == b"5":
            return Kind.FOLDER
        if header.type == b"2":
            return Kind.LINK
        if header.type == b"1":
            raise ArchiveError(
                "archive.hardlink",
                f"The archive holds «{shown}»: a hard link.",
                "Hard links often come from build outputs such as target/: remove those, or pack with «git archive».",
                paths=(shown,),
            )
        if header.type == b"S":
            raise ArchiveError("archive.sparse", f"«{shown}» is a sparse file.", "Pack it again without sparse files.", paths=(shown,))
        if header.type in _DEVICES:
            raise ArchiveError(
                "archive.device",
                f"The archive holds «{shown}»: {_DEVICES[header.type]}.",
                "Source is files and folders: remove it.",
                paths=(shown,),
            )
        raise ArchiveError("archive.unsupported-entry", f"«{shown}» is of a kind that is not taken.", REPACK, paths=(shown,))

    def _drain(self, marked: bool) -> None:
        """Read to the end, so that checksums are looked at: after the end mark only zeros may follow."""
        while marked and (rest := self._stream.read(CHUNK_BYTES)):
            self._gate.took(len(rest))
            if rest.strip(b"\0"):
                raise ArchiveError("archive.trailing-data", "Something else follows the end of the archive.", _AGAIN)
