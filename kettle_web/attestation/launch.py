"""What an image would measure: the SEV-SNP launch digest of an IGVM file, and the kernel command line in it.

The digest is a chain of SHA-384 over one PAGE_INFO (112 bytes) for each page, in the loader's order: the digest so far, the SHA-384 of the
page's content (zeros where it is not measured), length, page type, permissions and guest address.
Loaders differ in how they measure a page of zeros that the file leaves out: as a page of type «zero», or as content. Both name the same
memory, so both digests are given.

Source: AMD document 56860 (SEV-SNP firmware ABI), SNP_LAUNCH_UPDATE, tables PAGE_INFO and PAGE_TYPE; UEFI PI HOBs of OVMF's IGVM support
(GUID 3dd177ff-b632-4e25-bef3-065063d55fc4, data type 0x201: kernel); UAPI group, «Unified Kernel Image» (`.cmdline`).
Untested for want of samples: a genuine Kettle image against genuine evidence of it. The hash chain is tested against vectors made by hand
from the table, and the rest with files made in the tests.
"""

from __future__ import annotations

import hashlib
import re
import struct
from typing import Final

from .checks import Malformed, require
from .formats.igvm import CPUID_DATA, CPUID_XF, PAGE, SECRETS, IgvmPage, IgvmSnp

PAGE_NORMAL: Final = 1
PAGE_VMSA: Final = 2
PAGE_ZERO: Final = 3
PAGE_UNMEASURED: Final = 4
PAGE_SECRETS: Final = 5
PAGE_CPUID: Final = 6
_PAGE_INFO: Final = struct.Struct("<48s48sHBBIQ")
_KERNEL_HOB_GUID: Final = bytes.fromhex("ff77d13d32b6254ebef3065063d55fc4")
_HOB: Final = struct.Struct("<HHI16sQQII")
_HOB_GUID_EXTENSION: Final = 4
_HOB_KERNEL: Final = 0x201
MAX_KERNEL_BYTES: Final = 1024**3
MAX_COMMAND_LINE_BYTES: Final = 64 * 1024
_ROOT_HASH: Final = re.compile(r"(?:^|\s)(?:roothash|systemd\.verity_root_hash|usrhash)=(\S*)")


def page_info(digest: bytes, content_sha384: bytes, page_type: int, gpa: int) -> bytes:
    """The 112 bytes of a PAGE_INFO without permissions of lower privilege levels, as loaders set it."""
    return _PAGE_INFO.pack(digest, content_sha384, _PAGE_INFO.size, page_type, 0, 0, gpa)


def launch_digests(image: IgvmSnp) -> tuple[bytes, ...]:
    """The possible launch digests (48 bytes): with left out pages as zero pages, and with them as content. One, if they are the same."""
    found = tuple(_digest(image, native_zero=native_zero) for native_zero in (False, True))
    if image.id_block_digest is not None:
        require(
            image.id_block_digest in found, "igvm.id-block", "The IGVM file's own ID block demands another launch digest.",
            expected=image.id_block_digest.hex(), actual=found[0].hex(),
        )  # fmt: skip
    return found[:1] if found[0] == found[1] else found


def _digest(image: IgvmSnp, *, native_zero: bool) -> bytes:
    digest, nothing = bytes(48), bytes(48)
    for page in image.pages:
        kind = _page_type(page, native_zero=native_zero)
        content = hashlib.sha384(image.content(page)).digest() if kind in (PAGE_NORMAL, PAGE_VMSA) else nothing
        digest = hashlib.sha384(page_info(digest, content, kind, page.gpa)).digest()
    return digest


def _page_type(page: IgvmPage, *, native_zero: bool) -> int:
    if page.is_vmsa:
        return PAGE_VMSA
    if page.data_type == SECRETS:
        return PAGE_SECRETS
    if page.data_type in (CPUID_DATA, CPUID_XF):
        return PAGE_CPUID
    if not page.is_measured:
        return PAGE_UNMEASURED
    return PAGE_ZERO if native_zero and not page.file_offset else PAGE_NORMAL


def kernel_command_line(image: IgvmSnp) -> str:
    """The command line in the unified kernel image that the firmware's list of measured data names. Raises `Malformed`.

    Only measured pages are looked at: whoever starts the machine could put anything into others.
    """
    measured = {page.gpa: page for page in image.pages if page.is_measured and not page.is_vmsa and page.data_type == 0}
    kernels = set()
    for page in measured.values():
        content = image.content(page)
        at = content.find(_KERNEL_HOB_GUID)
        while at >= 0:
            begin = at - 8
            if 0 <= begin <= PAGE - _HOB.size:
                kind, size, _, _, address, length, data_type, _ = _HOB.unpack_from(content, begin)
                if (kind, size, data_type) == (_HOB_GUID_EXTENSION, _HOB.size, _HOB_KERNEL):
                    kernels.add((address, length))
            at = content.find(_KERNEL_HOB_GUID, at + 1)
    if len(kernels) != 1:
        raise Malformed("igvm.kernel", f"The IGVM file names {len(kernels)} kernels in its measured data, not one.")
    ((address, length),) = kernels
    return _pe_command_line(_read(image, measured, address, length))


def root_hash_of(command_line: str) -> str:
    """The dm-verity root hash on a kernel command line, in lower-case hex. Raises `Malformed` unless there is exactly one."""
    found: list[str] = _ROOT_HASH.findall(command_line)
    if len(found) != 1 or not re.fullmatch(r"[0-9a-fA-F]{32,128}", found[0]) or len(found[0]) % 2:
        raise Malformed("igvm.roothash", "The kernel command line has no root hash, several, or none that is hexadecimal.")
    return found[0].lower()


def _read(image: IgvmSnp, measured: dict[int, IgvmPage], address: int, length: int) -> bytes:
    if not 0 < length <= min(MAX_KERNEL_BYTES, len(measured) * PAGE) or address + length >= 1 << 64:
        raise Malformed("igvm.kernel", "The kernel is longer than what is measured.")
    first = address - address % PAGE
    parts = []
    for gpa in range(first, address + length, PAGE):
        if gpa not in measured:
            raise Malformed("igvm.kernel", "A part of the kernel is not measured.")
        parts.append(image.content(measured[gpa]))
    return b"".join(parts)[address - first : address - first + length]


def _pe_command_line(kernel: bytes) -> str:
    """The `.cmdline` section of a PE image."""
    try:
        header = struct.unpack_from("<I", kernel, 0x3C)[0]
        if kernel[:2] != b"MZ" or kernel[header : header + 4] != b"PE\0\0":
            raise Malformed("igvm.kernel", "The kernel is no unified kernel image.")
        sections, optional = struct.unpack_from("<H", kernel, header + 6)[0], struct.unpack_from("<H", kernel, header + 20)[0]
        found = []
        for number in range(sections):
            at = header + 24 + optional + 40 * number
            name, _, _, size, start = struct.unpack_from("<8sIIII", kernel, at)
            if name == b".cmdline":
                found.append((start, size))
    except struct.error as error:
        raise Malformed("igvm.kernel", "The kernel image ends early.") from error
    # A second section, or a profile's, could be the one that is taken at boot.
    if len(found) != 1 or found[0][1] > MAX_COMMAND_LINE_BYTES or sum(found[0]) > len(kernel):
        raise Malformed("igvm.command-line", f"The kernel image has {len(found)} command lines, or one that does not fit in it.")
    start, size = found[0]
    try:
        return kernel[start : start + size].rstrip(b"\0").decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise Malformed("igvm.command-line", "The kernel command line is not ASCII.") from error
