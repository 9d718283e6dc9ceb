"""The SHA-256 that streams, and the readers of archives, against the standard library's."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import random
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sharing.javascript import Runs, javascript

SCRIPT = str(Path(__file__).with_name("hashing.js"))
VECTORS = {
    b"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu": (
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
    b"\xbd": "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b",
    b"\xc9\x8c\x8e\x55": "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504",
}
"""Source: NIST, «Example values: SHA-256», and «Secure Hashing: SHA-256 additional examples»."""
MILLION_A = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
"""Source: NIST, FIPS 180-2, appendix B.3: a million times the letter a."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with javascript(tmp_path_factory.mktemp("javascript")) as runs:
        yield runs


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_the_vectors_of_nist_come_out(run: Runs) -> None:
    found = run(SCRIPT, "digests", [{"data": text(data), "pieces": []} for data in VECTORS])
    assert found == [[digest, digest] for digest in VECTORS.values()]
    assert run(SCRIPT, "repeated", {"byte": ord("a"), "count": 1_000_000}) == MILLION_A


def test_any_length_in_any_pieces_is_the_same_as_the_whole(run: Runs) -> None:
    chance = random.Random(1)
    items = [(chance.randbytes(size), [chance.randrange(70) for _ in range(5)]) for size in (*range(0, 260, 3), 4095, 4096, 4097, 65_536)]
    found = run(SCRIPT, "digests", [{"data": text(data), "pieces": pieces} for data, pieces in items])
    assert found == [[hashlib.sha256(data).hexdigest()] * 2 for data, _ in items]


def test_more_than_half_a_gigabyte_counts_its_bits_right(run: Runs) -> None:
    """The length in bits then needs more than 32 of them."""
    size = 2**29 + 5
    assert run(SCRIPT, "repeated", {"byte": 0, "count": size}) == hashlib.sha256(bytes(size)).hexdigest()


def tar_make(form: int, **files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=form) as archive:
        folder = tarfile.TarInfo("result")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tarball_of_every_dialect_gives_its_files(run: Runs, form: int) -> None:
    files = {"provenance.json": b"{}", "artifacts/hello": b"x" * 5000, "empty": b"", "deep/" * 25 + "é" * 20: b"long name"}
    found = run(SCRIPT, "tarball", text(tar_make(form, **files)))
    assert [(item["name"], item["size"], item["hex"]) for item in found] == [
        (name, len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()
    ]
    assert [item["kept"] for item in found] == ["{}", None, None, None]


def test_what_is_no_tarball_is_refused(run: Runs) -> None:
    whole = tar_make(tarfile.PAX_FORMAT, hello=random.Random(2).randbytes(3000))
    for broken in (gzip.compress(b"hello" * 200), whole[:-400], gzip.compress(gzip.decompress(whole)[:1500]), b"\x1f\x8b", b"no"):
        assert "error" in run(SCRIPT, "tarball", text(broken))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_gives_its_files(run: Runs, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("kettle-proof/proof.html", b"<p>" * 300)
        archive.writestr("é", b"")
    found = run(SCRIPT, "zip", text(buffer.getvalue()))
    assert found == [["kettle-proof/proof.html", (b"<p>" * 300).hex()], ["é", ""]]
    assert run(SCRIPT, "zip", text(buffer.getvalue()[:-30])) == {"error": "Error"}
