"""Files kept under their digest."""

import hashlib
import io
import os
from pathlib import Path

import pytest

from kettle_web.core import blobs
from kettle_web.core.errors import BlobCorrupt, BlobMissing, DiskFull

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings) -> None:
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "files"},
        },
    }


def test_what_is_written_is_read_again_under_its_digest() -> None:
    data = os.urandom(700_000)
    blob = blobs.blob_write(io.BytesIO(data))
    assert (blob.sha256_hex, blob.size) == (hashlib.sha256(data).hexdigest(), len(data))
    with blobs.blob_open(blob.sha256_hex) as file:
        assert file.read() == data
    assert blobs.blob_exists(blob.sha256_hex)
    assert blobs.blob_size(blob.sha256_hex) == len(data)
    assert blobs.blob_verify(blob.sha256_hex) == blob


def test_empty_file_is_kept() -> None:
    blob = blobs.blob_write_bytes(b"")
    assert blobs.blob_read(blob.sha256_hex, 10) == b""


def test_no_scratch_file_stays(tmp_path: Path) -> None:
    blobs.blob_write_bytes(b"a")
    assert list(blobs.scratch_folder().iterdir()) == []


def _damage(tmp_path: Path, sha256_hex: str) -> None:
    path = tmp_path / "files" / blobs.blob_name(sha256_hex)
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def test_changed_bytes_are_found_when_read_to_the_end(tmp_path: Path) -> None:
    blob = blobs.blob_write_bytes(b"x" * 600_000)
    _damage(tmp_path, blob.sha256_hex)
    with blobs.blob_open(blob.sha256_hex) as file, pytest.raises(BlobCorrupt):
        list(iter(lambda: file.read(100_000), b""))
    with pytest.raises(BlobCorrupt):
        blobs.blob_verify(blob.sha256_hex)
    with pytest.raises(BlobCorrupt):
        blobs.blob_read(blob.sha256_hex, 10**6)
    with pytest.raises(BlobCorrupt), blobs.blob_path_local(blob.sha256_hex):
        pass


def test_writing_again_heals_changed_bytes(tmp_path: Path) -> None:
    blob = blobs.blob_write_bytes(b"abc")
    _damage(tmp_path, blob.sha256_hex)
    blobs.blob_write_bytes(b"abc")
    assert blobs.blob_read(blob.sha256_hex, 3) == b"abc"


def test_reading_after_a_jump_gives_the_right_bytes() -> None:
    data = bytes(range(256)) * 4000
    blob = blobs.blob_write_bytes(data)
    with blobs.blob_open(blob.sha256_hex) as file:
        file.seek(300_000)
        assert file.read(10) == data[300_000:300_010]
        file.seek(0)
        assert file.read() == data


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "0" * 63, "0" * 64])
def test_what_was_never_written_is_missing(name: str) -> None:
    with pytest.raises(BlobMissing):
        blobs.blob_open(name)
    assert not blobs.blob_exists(name)


def test_reading_above_the_cap_raises() -> None:
    blob = blobs.blob_write_bytes(b"12345")
    with pytest.raises(ValueError, match="more than 4"):
        blobs.blob_read(blob.sha256_hex, 4)


def test_full_disk_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(blobs.os, "fsync", full)
    with pytest.raises(DiskFull, match="no room left"):
        blobs.blob_write_bytes(b"a")
    assert list(blobs.scratch_folder().iterdir()) == []


def test_storage_that_is_no_folder_works_the_same(settings, tmp_path: Path) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    data = os.urandom(600_000)
    blob = blobs.blob_write_bytes(data)
    assert blobs.blob_write_bytes(data) == blob
    assert blobs.blob_verify(blob.sha256_hex) == blob
    assert blobs.blob_size(blob.sha256_hex) == len(data)
    with blobs.blob_path_local(blob.sha256_hex) as path:
        assert path.read_bytes() == data
    assert not path.exists()
    with pytest.raises(BlobMissing):
        blobs.blob_size("0" * 64)
    with pytest.raises(BlobMissing):
        blobs.blob_open("0" * 64)
    assert list(blobs.scratch_folder().iterdir()) == []
