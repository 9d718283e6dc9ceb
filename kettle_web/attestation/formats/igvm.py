"""IGVM files: the pages and processor states that a machine starts with, as a loader reads them.

All integers are little-endian. A fixed header (magic, version, place and size of the variable headers, size of the file, CRC-32), variable
headers (type and length, then the structure, each on an 8-byte boundary), and page data anywhere in the file. Only what a SEV-SNP launch
digest depends on is read; structures of other kinds are stepped over, and of other platforms left out by their compatibility mask.

Source: the public IGVM definitions (`igvm_defs`, «Independent Guest Virtual Machine file format»), versions 1 and 2.
Untested for want of samples: every genuine file. The tests build theirs from the definitions.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..checks import Malformed

MAGIC: Final = 0x4D564749
MAX_IGVM_BYTES: Final = 2 * 1024**3
"""A kernel with its initial file system has some hundred megabytes; offsets have 32 bits."""
MAX_PAGES: Final = 1 << 20
"""Of 4 KiB each: 4 GiB of guest memory."""
PAGE: Final = 4096
PLATFORM_SEV_SNP: Final = 2
NORMAL: Final = 0
SECRETS: Final = 1
CPUID_DATA: Final = 2
CPUID_XF: Final = 3
WHAT: Final = "The IGVM file"

_FIXED: Final = struct.Struct("<6I")
_HEADER: Final = struct.Struct("<2I")
_SUPPORTED_PLATFORM: Final = (0x1, struct.Struct("<IBBHQ"))
_PARAMETER_AREA: Final = (0x301, struct.Struct("<QII"))
_PAGE_DATA: Final = (0x302, struct.Struct("<QIIIHH"))
_PARAMETER_INSERT: Final = (0x303, struct.Struct("<QII"))
_VP_CONTEXT: Final = (0x304, struct.Struct("<QIIHH"))
_SNP_ID_BLOCK: Final = (0x30B, struct.Struct("<IB3x48s16s16sIIII592x"))
_IS_2MB: Final = 1
_UNMEASURED: Final = 2
_SHARED: Final = 4


@dataclass(frozen=True)
class IgvmPage:
    """4 KiB that are put into the guest before it starts."""

    gpa: int
    file_offset: int
    """0: a page of zeros."""
    data_type: int = NORMAL
    is_measured: bool = True
    is_vmsa: bool = False
    """A processor's first state instead of memory."""


@dataclass(frozen=True)
class IgvmSnp:
    """What a file says to a SEV-SNP loader, in its order."""

    data: bytes
    pages: tuple[IgvmPage, ...]
    id_block_digest: bytes | None
    """The launch digest that the file's own ID block demands; None: it has none."""

    def content(self, page: IgvmPage) -> bytes:
        """The 4 KiB of a page."""
        return bytes(self.data[page.file_offset : page.file_offset + PAGE]) if page.file_offset else bytes(PAGE)


def igvm_snp_parse(data: bytes) -> IgvmSnp:
    """Reads the file (a memory map will do). Raises `Malformed`."""
    mask = 0
    pages: list[IgvmPage] = []
    areas: dict[int, int] = {}
    digest: bytes | None = None
    for kind, at, size in _headers(data):
        if kind == _SUPPORTED_PLATFORM[0]:
            found = _unpack(_SUPPORTED_PLATFORM, data, at, size)
            if found[2] == PLATFORM_SEV_SNP:
                if mask:
                    raise Malformed("igvm.platform", f"{WHAT} names SEV-SNP twice.")
                mask = found[0]
        elif kind == _PARAMETER_AREA[0]:
            bytes_, index, _ = _unpack(_PARAMETER_AREA, data, at, size)
            areas[index] = bytes_
        elif kind == _PAGE_DATA[0]:
            gpa, for_, offset, flags, data_type, _ = _unpack(_PAGE_DATA, data, at, size)
            if for_ & mask and not flags & _SHARED:
                pages += _page_data(data, gpa, offset, flags, data_type)
        elif kind == _PARAMETER_INSERT[0]:
            gpa, for_, index = _unpack(_PARAMETER_INSERT, data, at, size)
            if for_ & mask:
                if areas.get(index, 0) > MAX_PAGES * PAGE or index not in areas:
                    raise Malformed("igvm.parameter", f"{WHAT} inserts a parameter area that it does not declare, or a huge one.")
                pages += [IgvmPage(gpa + step, 0, is_measured=False) for step in range(0, areas[index], PAGE)]
        elif kind == _VP_CONTEXT[0]:
            gpa, for_, offset, _, _ = _unpack(_VP_CONTEXT, data, at, size)
            if for_ & mask:
                pages += [IgvmPage(gpa, _within(data, offset, PAGE), is_vmsa=True)]
        elif kind == _SNP_ID_BLOCK[0]:
            found = _unpack(_SNP_ID_BLOCK, data, at, size)
            digest = found[2] if found[0] & mask else digest
        if len(pages) > MAX_PAGES:
            raise Malformed("igvm.pages", f"{WHAT} has more than {MAX_PAGES} pages.")
    if not mask:
        raise Malformed("igvm.platform", f"{WHAT} is not for SEV-SNP.")
    if not any(page.is_vmsa for page in pages):
        raise Malformed("igvm.vmsa", f"{WHAT} starts no processor.")
    return IgvmSnp(data, tuple(pages), digest)


def _headers(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, place and size of each structure."""
    if not _FIXED.size <= len(data) <= MAX_IGVM_BYTES:
        raise Malformed("igvm.length", f"{WHAT} is too short or too long.")
    magic, version, start, length, total, checksum = _FIXED.unpack_from(data)
    if magic != MAGIC or version not in (1, 2):
        raise Malformed("igvm.magic", f"{WHAT} is none, or of an unknown version.")
    fixed = _FIXED.size if version == 1 else _FIXED.size + 8
    end = start + length
    if start < fixed or start % 8 or end > len(data) or total != len(data):
        raise Malformed("igvm.header", f"The header of {WHAT.lower()} does not fit the file.")
    # Over the fixed header with its own field as zero, and the variable headers; not over what may lie between them.
    found = zlib.crc32(bytes(data[start:end]), zlib.crc32(bytes(data[:20]) + bytes(4) + bytes(data[24:fixed])))
    if found != checksum:
        raise Malformed("igvm.checksum", f"The checksum of {WHAT.lower()} does not hold.")
    at = start
    while at < end:
        if at + _HEADER.size > end:
            raise Malformed("igvm.header", f"The variable headers of {WHAT.lower()} end early.")
        kind, size = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        if at + size > end:
            raise Malformed("igvm.header", f"The variable headers of {WHAT.lower()} end early.")
        yield kind, at, size
        at += size + -size % 8


def _unpack(structure: tuple[int, struct.Struct], data: bytes, at: int, size: int) -> tuple[Any, ...]:
    layout = structure[1]
    if size < layout.size or size - layout.size >= 8:
        raise Malformed("igvm.structure", f"{WHAT} has a structure {structure[0]:#x} of the wrong length.")
    return layout.unpack_from(data, at)


def _page_data(data: bytes, gpa: int, offset: int, flags: int, data_type: int) -> list[IgvmPage]:
    size = 512 * PAGE if flags & _IS_2MB else PAGE
    if data_type > CPUID_XF or gpa % size:
        raise Malformed("igvm.page", f"{WHAT} has page data of an unknown kind, or not on a page.")
    if offset:
        _within(data, offset, size)
    measured = not flags & _UNMEASURED
    return [IgvmPage(gpa + step, offset + step if offset else 0, data_type, measured) for step in range(0, size, PAGE)]


def _within(data: bytes, offset: int, size: int) -> int:
    if not _FIXED.size <= offset <= len(data) - size:
        raise Malformed("igvm.data", f"{WHAT} points outside itself.")
    return offset
