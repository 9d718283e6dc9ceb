"""The dm-verity root hash that a disk image carries: found by its partition table, computed from the tree's first block.

A GPT disk with 512-byte sectors; the partition of type root-verity for x86-64 begins with a superblock; the block after it is the top of
the hash tree, and the root hash is the digest of salt and that block. The tree below it, and the data, are not looked at: the kernel does
that with every read, so that an image whose stored hash is right and whose data is not does not run.

Source: UEFI 2.10, chapter 5 (GPT); UAPI group, «Discoverable Partitions»; cryptsetup, «dm-verity on-disk specification», version 1.
Untested for want of samples: every genuine image. The tests build theirs.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any, BinaryIO, Final

from ..checks import Malformed

SECTOR: Final = 512
ROOT_VERITY_X86_64: Final = bytes.fromhex("ed57732cd2ebd946aec123d437ec2bf5")
"""2c7357ed-ebd2-46d9-aec1-23d437ec2bf5 in its on-disk byte order."""
MAX_ENTRIES: Final = 1024
MAX_BLOCK: Final = 64 * 1024
_GPT: Final = struct.Struct("<8s64xQII")
_ENTRY: Final = struct.Struct("<16s16xQQ")
_SUPERBLOCK: Final = struct.Struct("<8sII16x32sIIQH6x256s")
WHAT: Final = "The disk image"


def stored_root_hash(disk: BinaryIO) -> str:
    """The root hash in lower-case hex. Raises `Malformed`, and `OSError` when the file cannot be read."""
    signature, table, count, size = _unpack(disk, SECTOR, _GPT)
    if signature != b"EFI PART" or not _ENTRY.size <= size <= 4096 or count > MAX_ENTRIES:
        raise Malformed("verity.gpt", f"{WHAT} has no partition table of a known form.")
    found = []
    for number in range(count):
        kind, first, last = _unpack(disk, table * SECTOR + number * size, _ENTRY)
        if kind == ROOT_VERITY_X86_64:
            found.append((first, last))
    if len(found) != 1:
        raise Malformed("verity.partition", f"{WHAT} has {len(found)} partitions of root-verity hashes, not one.")
    first, last = found[0]
    if last < first:
        raise Malformed("verity.partition", f"The hash partition of {WHAT.lower()} ends before it begins.")
    start = first * SECTOR
    magic, version, kind, algorithm, _, block, _, salt_size, salt = _unpack(disk, start, _SUPERBLOCK)
    if magic != b"verity\0\0" or (version, kind) != (1, 1):
        raise Malformed("verity.superblock", f"The hash partition of {WHAT.lower()} has no superblock of a known form.")
    name = algorithm.rstrip(b"\0")
    if name not in (b"sha256", b"sha512") or salt_size > len(salt) or not SECTOR <= block <= MAX_BLOCK or block & (block - 1):
        raise Malformed("verity.superblock", f"The superblock of {WHAT.lower()} names an unknown algorithm, or impossible sizes.")
    if start + 2 * block > (last + 1) * SECTOR:
        raise Malformed("verity.partition", f"The hash partition of {WHAT.lower()} is too short.")
    top = _read(disk, start + block, block)
    return hashlib.new(name.decode(), salt[:salt_size] + top).hexdigest()


def _unpack(disk: BinaryIO, at: int, layout: struct.Struct) -> tuple[Any, ...]:
    return layout.unpack(_read(disk, at, layout.size))


def _read(disk: BinaryIO, at: int, size: int) -> bytes:
    if at >= 1 << 62:
        raise Malformed("verity.length", f"{WHAT} ends early.")
    disk.seek(at)
    data = disk.read(size)
    if len(data) != size:
        raise Malformed("verity.length", f"{WHAT} ends early.")
    return data
