"""Builder images made from the definitions: an IGVM file, the kernel image in it, and the disk that it starts from."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

PAGE = 4096
SNP_MASK = 1
GUID = bytes.fromhex("ff77d13d32b6254ebef3065063d55fc4")
VMSA_GPA = 0xFFFFFFFFF000


@dataclass
class Igvm:
    """Collects headers and data; `build` lays them out."""

    version: int = 1
    platform: int = 2
    headers: list[tuple[int, bytes]] = field(default_factory=list)
    data: list[tuple[int, int, bytes]] = field(default_factory=list)
    """(header, place of its offset field, content)."""

    def header(self, kind: int, layout: str, *values: Any) -> None:
        self.headers.append((kind, struct.pack(layout, *values)))

    def page(self, gpa: int, content: bytes | None, *, mask: int = SNP_MASK, flags: int = 0, data_type: int = 0) -> None:
        self.header(0x302, "<QIIIHH", gpa, mask, 0, flags, data_type, 0)
        if content is not None:
            self.data.append((len(self.headers) - 1, 12, content))

    def blob(self, gpa: int, content: bytes) -> None:
        for at in range(0, len(content), PAGE):
            self.page(gpa + at, content[at : at + PAGE].ljust(PAGE, b"\0"))

    def vmsa(self, content: bytes, *, gpa: int = VMSA_GPA, mask: int = SNP_MASK) -> None:
        self.header(0x304, "<QIIHH", gpa, mask, 0, 0, 0)
        self.data.append((len(self.headers) - 1, 12, content.ljust(PAGE, b"\0")))

    def build(self, *, checksum: int | None = None, trailing: bytes = b"") -> bytes:
        platform = (1, struct.pack("<IBBHQ", SNP_MASK, 0, self.platform, 1, 0))
        headers = [platform, *self.headers]
        fixed = 24 if self.version == 1 else 32
        length = sum(8 + len(body) + -len(body) % 8 for _, body in headers)
        start = fixed + length + -(fixed + length) % PAGE
        bodies = [bytearray(body) for _, body in headers]
        content = b""
        for number, at, part in self.data:
            struct.pack_into("<I", bodies[number + 1], at, start + len(content))
            content += part
        variable = b"".join(
            struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8) for (kind, _), body in zip(headers, bodies, strict=True)
        )
        total = start + len(content) + len(trailing)
        tail = b"" if self.version == 1 else struct.pack("<II", 0, PAGE)
        head = struct.pack("<6I", 0x4D564749, self.version, fixed, len(variable), total, 0) + tail
        found = zlib.crc32(variable, zlib.crc32(head)) if checksum is None else checksum
        head = head[:20] + struct.pack("<I", found) + head[24:]
        return (head + variable).ljust(start, b"\0") + content + trailing


def hob(address: int, length: int, data_type: int = 0x201) -> bytes:
    return struct.pack("<HHI16sQQII", 4, 0x30, 0, GUID, address, length, data_type, 0)


def kernel_image(*command_lines: str, name: bytes = b".cmdline") -> bytes:
    """A PE image with a section for each command line."""
    header, optional = 0x80, 0xF0
    image = bytearray(0x400)
    image[:2], image[0x3C:0x40] = b"MZ", struct.pack("<I", header)
    image[header : header + 4] = b"PE\0\0"
    struct.pack_into("<H", image, header + 6, len(command_lines))
    struct.pack_into("<H", image, header + 20, optional)
    for number, text in enumerate(command_lines):
        struct.pack_into("<8sIIII", image, header + 24 + optional + 40 * number, name, 0, 0, len(text) + 2, len(image))
        image += text.encode() + b"\0\0"
    return bytes(image)


def igvm_with_kernel(kernel: bytes, *, vmsa: bytes = b"processor") -> Igvm:
    """Firmware, the list that names the kernel, the kernel, the special pages and one processor."""
    image = Igvm()
    image.header(0x101, "<QII", 0x30000, SNP_MASK, 0)
    image.page(0x1000, b"firmware".ljust(PAGE, b"\0"))
    image.page(0x2000, hob(0x200000, len(kernel)).ljust(PAGE, b"\0"))
    image.blob(0x200000, kernel)
    image.page(0x3000, None)
    image.page(0x4000, None, data_type=1)
    image.page(0x5000, None, data_type=2)
    image.header(0x301, "<QII", 2 * PAGE, 0, 0)
    image.header(0x303, "<QII", 0x6000, SNP_MASK, 0)
    image.vmsa(vmsa)
    return image


def disk_image(
    *,
    salt: bytes = b"\x11" * 32,
    top: bytes = b"root".ljust(PAGE, b"\0"),
    algorithm: bytes = b"sha256",
    partitions: int = 1,
    **overrides: Any,
) -> bytes:
    """A GPT disk whose hash partition begins at sector 64."""
    fields = {"magic": b"verity\0\0", "version": 1, "type": 1, "block": PAGE, "last": 64 + 16 - 1, "signature": b"EFI PART"} | overrides
    disk = bytearray(64 * 512)
    struct.pack_into("<8s64xQII", disk, 512, fields["signature"], 2, 4, 128)
    for number in range(partitions):
        at = 1024 + 128 * number
        disk[at : at + 16] = bytes.fromhex("ed57732cd2ebd946aec123d437ec2bf5")
        struct.pack_into("<QQ", disk, at + 32, 64, fields["last"])
    superblock = struct.pack(
        "<8sII16x32sIIQH6x256s", fields["magic"], fields["version"], fields["type"], algorithm, PAGE, fields["block"], 1, len(salt), salt
    )
    return bytes(disk) + superblock.ljust(PAGE, b"\0") + top


def root_hash(salt: bytes = b"\x11" * 32, top: bytes = b"root".ljust(PAGE, b"\0"), algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, salt + top).hexdigest()
