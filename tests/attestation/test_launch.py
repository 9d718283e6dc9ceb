"""Launch digests, command lines and root hashes of images that are made from the definitions."""

from __future__ import annotations

import contextlib
import hashlib
import io
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.attestation.checks import CheckFailed, Malformed
from kettle_web.attestation.formats.igvm import igvm_snp_parse
from kettle_web.attestation.formats.verity import stored_root_hash
from kettle_web.attestation.launch import kernel_command_line, launch_digests, page_info, root_hash_of
from tests.attestation.conftest import unhurried
from tests.fakes import igvm as fake

KERNEL = fake.kernel_image(f"console=hvc0 roothash={fake.root_hash()}")


def image(kernel: bytes = KERNEL) -> fake.Igvm:
    return fake.igvm_with_kernel(kernel)


def code_of(data: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        igvm_snp_parse(data)
    return caught.value.code


def test_a_page_info_has_the_112_bytes_of_the_table() -> None:
    info = page_info(b"\1" * 48, b"\2" * 48, 3, 0x1122334455667000)
    assert info == b"\1" * 48 + b"\2" * 48 + bytes.fromhex("7000 03 00 00000000 0070665544332211")


def test_the_digest_is_the_chain_over_all_pages_in_their_order() -> None:
    """Written out step by step, apart from the code that is tested."""
    file = fake.Igvm()
    file.page(0x1000, b"a" * 4096)
    file.page(0x2000, None)
    file.page(0x3000, None, data_type=1)
    file.page(0x4000, None, data_type=3)
    file.page(0x5000, b"b" * 4096, flags=2)
    file.page(0x6000, b"c" * 4096, flags=4)
    file.page(0x7000, b"d" * 4096, mask=2)
    file.header(0x301, "<QII", 4096, 7, 0)
    file.header(0x303, "<QII", 0x8000, 1, 7)
    file.vmsa(b"v")
    sha, digest = hashlib.sha384, bytes(48)
    for kind, content, gpa in (
        (1, sha(b"a" * 4096).digest(), 0x1000), (1, sha(bytes(4096)).digest(), 0x2000), (5, bytes(48), 0x3000), (6, bytes(48), 0x4000),
        (4, bytes(48), 0x5000), (4, bytes(48), 0x8000), (2, sha(b"v".ljust(4096, b"\0")).digest(), fake.VMSA_GPA),
    ):  # fmt: skip
        digest = sha(digest + content + struct.pack("<HBBIQ", 112, kind, 0, 0, gpa)).digest()
    found = launch_digests(igvm_snp_parse(file.build()))
    assert found[0] == digest
    assert len(found) == 2


@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_of_the_header_are_read(version: int) -> None:
    file = image()
    file.version = version
    assert launch_digests(igvm_snp_parse(file.build())) == launch_digests(igvm_snp_parse(image().build()))


def test_a_large_page_is_measured_in_small_ones() -> None:
    large, small = fake.Igvm(), fake.Igvm()
    large.page(0x200000, b"x" * 512 * 4096, flags=1)
    for number in range(512):
        small.page(0x200000 + number * 4096, b"x" * 4096)
    for file in (large, small):
        file.vmsa(b"")
    assert launch_digests(igvm_snp_parse(large.build())) == launch_digests(igvm_snp_parse(small.build()))


@pytest.mark.parametrize("change", ["firmware", "vmsa", "place", "order"])
def test_whatever_is_loaded_otherwise_changes_the_digest(change: str) -> None:
    base = launch_digests(igvm_snp_parse(image().build()))
    file = fake.igvm_with_kernel(KERNEL, vmsa=b"processor" if change != "vmsa" else b"another")
    if change == "firmware":
        file.data[0] = (*file.data[0][:2], b"malware".ljust(4096, b"\0"))
    if change == "place":
        file.headers[1] = (0x302, struct.pack("<Q", 0x9000) + file.headers[1][1][8:])
    if change == "order":
        file.headers[-1], file.headers[1] = file.headers[1], file.headers[-1]
        file.data = [(len(file.headers) - 1 if n == 1 else 1 if n == len(file.headers) - 1 else n, at, d) for n, at, d in file.data]
    assert not set(launch_digests(igvm_snp_parse(file.build()))) & set(base)


def id_block(digest: bytes, mask: int = 1) -> tuple[int, bytes]:
    return 0x30B, struct.pack("<IB3x48s16s16sIIII592x", mask, 0, digest, bytes(16), bytes(16), 1, 0, 1, 0)


def test_an_id_block_must_agree() -> None:
    file = image()
    digests = launch_digests(igvm_snp_parse(file.build()))
    for digest in digests:
        good = image()
        good.headers.append(id_block(digest))
        assert launch_digests(igvm_snp_parse(good.build())) == digests
    file.headers.append(id_block(b"\7" * 48))
    with pytest.raises(CheckFailed) as caught:
        launch_digests(igvm_snp_parse(file.build()))
    assert caught.value.code == "igvm.id-block"


def test_each_fault_of_a_file_has_its_code() -> None:
    whole = image().build()
    assert code_of(b"") == "igvm.length"
    assert code_of(b"X" + whole[1:]) == "igvm.magic"
    assert code_of(whole + b"\0") == "igvm.header"
    assert code_of(whole[:-1]) == "igvm.header"
    assert code_of(image().build(checksum=1)) == "igvm.checksum"
    assert code_of(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]) == "igvm.checksum"
    other = image()
    other.platform = 3
    assert code_of(other.build()) == "igvm.platform"
    assert code_of(fake.Igvm().build()) == "igvm.vmsa"


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        (0x302, struct.pack("<QIIIHH", 0x1001, 1, 0, 0, 0, 0), "igvm.page"),
        (0x302, struct.pack("<QIIIHH", 0x1000, 1, 0, 0, 4, 0), "igvm.page"),
        (0x302, struct.pack("<QIIIHH", 0x1000, 1, 0, 1, 0, 0), "igvm.page"),
        (0x302, struct.pack("<QIIIHH", 0x1000, 1, 0xFFFFFFF0, 0, 0, 0), "igvm.data"),
        (0x302, b"\0" * 8, "igvm.structure"),
        (0x303, struct.pack("<QII", 0x1000, 1, 9), "igvm.parameter"),
        (0x304, struct.pack("<QIIHH", 0x1000, 1, 0, 0, 0), "igvm.data"),
        (0x1, struct.pack("<IBBHQ", 2, 0, 2, 1, 0), "igvm.platform"),
    ],
)
def test_each_fault_of_a_structure_has_its_code(kind: int, body: bytes, code: str) -> None:
    file = image()
    file.headers.append((kind, body))
    assert code_of(file.build()) == code


@unhurried
@given(st.integers(0, 20000), st.binary(max_size=64))
def test_prefixes_and_noise_raise_only_malformed(size: int, noise: bytes) -> None:
    whole = image().build()
    for data in (whole[: min(size, len(whole) - 1)], noise, whole[:24] + noise):
        code_of(data)


def test_the_command_line_is_that_of_the_measured_kernel() -> None:
    text = kernel_command_line(igvm_snp_parse(image().build()))
    assert text == f"console=hvc0 roothash={fake.root_hash()}"
    assert root_hash_of(text) == fake.root_hash()


def _kernel_code(file: fake.Igvm) -> str:
    with pytest.raises(Malformed) as caught:
        kernel_command_line(igvm_snp_parse(file.build()))
    return caught.value.code


def test_a_kernel_that_is_not_measured_does_not_count() -> None:
    file = image()
    for number, (kind, body) in enumerate(file.headers):
        if kind == 0x302 and struct.unpack_from("<Q", body)[0] == 0x200000:
            file.headers[number] = kind, body[:16] + struct.pack("<I", 2) + body[20:]
    assert _kernel_code(file) == "igvm.kernel"


@pytest.mark.parametrize(
    ("kernel", "code"),
    [
        (b"XX" + KERNEL[2:], "igvm.kernel"),
        (KERNEL[:0x90], "igvm.kernel"),
        (fake.kernel_image("a", "b"), "igvm.command-line"),
        (fake.kernel_image("a", name=b".text"), "igvm.command-line"),
        (fake.kernel_image("ä"), "igvm.command-line"),
        (KERNEL[:-4], "igvm.command-line"),
    ],
)
def test_a_kernel_without_one_clear_command_line_is_refused(kernel: bytes, code: str) -> None:
    assert _kernel_code(image(kernel)) == code


def test_two_kernels_or_none_are_refused() -> None:
    file = image()
    file.page(0x7000, fake.hob(0x300000, 8).ljust(4096, b"\0"))
    assert _kernel_code(file) == "igvm.kernel"
    none = fake.Igvm()
    none.vmsa(b"")
    assert _kernel_code(none) == "igvm.kernel"


@pytest.mark.parametrize(
    "text", ["", "console=hvc0", "roothash=", "roothash=xyz", "roothash=abc", f"roothash={'ab' * 32} usrhash={'ab' * 32}"]
)
def test_a_command_line_without_one_root_hash_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        root_hash_of(text)
    assert caught.value.code == "igvm.roothash"


def verity(data: bytes) -> str:
    return stored_root_hash(io.BytesIO(data))


def test_the_root_hash_is_computed_from_salt_and_top_block() -> None:
    assert verity(fake.disk_image()) == fake.root_hash()
    assert verity(fake.disk_image(algorithm=b"sha512", salt=b"")) == fake.root_hash(salt=b"", algorithm="sha512")
    changed = fake.disk_image(top=b"rooT".ljust(4096, b"\0"))
    assert verity(changed) != fake.root_hash()


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"signature": b"EFI PARX"}, "verity.gpt"),
        ({"partitions": 0}, "verity.partition"),
        ({"partitions": 2}, "verity.partition"),
        ({"last": 63}, "verity.partition"),
        ({"last": 70}, "verity.partition"),
        ({"magic": b"verity\0\1"}, "verity.superblock"),
        ({"version": 2}, "verity.superblock"),
        ({"type": 0}, "verity.superblock"),
        ({"algorithm": b"md5"}, "verity.superblock"),
        ({"block": 4095}, "verity.superblock"),
        ({"block": 1 << 20}, "verity.superblock"),
        ({"top": b"short"}, "verity.length"),
    ],
)
def test_each_fault_of_a_disk_has_its_code(overrides: dict[str, Any], code: str) -> None:
    with pytest.raises(Malformed) as caught:
        verity(fake.disk_image(**overrides))
    assert caught.value.code == code


@unhurried
@given(st.integers(0, 60000), st.binary(max_size=40))
def test_broken_disks_raise_only_malformed(size: int, noise: bytes) -> None:
    whole = fake.disk_image()
    with pytest.raises(Malformed):
        verity(whole[: min(size, len(whole) - 1)])
    data = bytearray(whole)
    data[1024 : 1024 + len(noise)] = noise
    with contextlib.suppress(Malformed):
        verity(bytes(data))
