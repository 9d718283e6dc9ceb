"""Files kept byte for byte under the SHA-256 of their content: `blobs/aa/<hex>` in Django's storage, a folder or an S3
bucket.

The digest is computed when a file is written and again whenever it is read to its end: what is served is what was
verified. Memory
stays constant whatever the size.
"""

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage, storages

from kettle_web.core.disk import disk_errors
from kettle_web.core.errors import BlobCorrupt, BlobMissing
from kettle_web.core.models import UnreferencedBlob

CHUNK_BYTES = 256 * 1024
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Blob:
    sha256_hex: str
    size: int
    """Bytes."""


def blob_name(sha256_hex: str) -> str:
    """Give the name in storage. Raises `BlobMissing` for what is no digest: such a name can never have been written."""
    if not _HEX.fullmatch(sha256_hex):
        raise BlobMissing("not a SHA-256 in lower-case hex")
    return f"blobs/{sha256_hex[:2]}/{sha256_hex}"


def scratch_folder() -> Path:
    """Give the folder for files in the making. It lies beside the stored ones, so that a rename moves them in."""
    folder = Path(settings.DATA_DIR) / "files" / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True)
class Scratch:
    path: Path
    file: BinaryIO


@contextmanager
def scratch_file() -> Iterator[Scratch]:
    """Give an empty file open for writing and reading; it is gone afterwards unless something has moved it away."""
    with disk_errors():
        descriptor, name = tempfile.mkstemp(dir=scratch_folder())
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield Scratch(Path(name), file)
    finally:
        Path(name).unlink(missing_ok=True)


def _is_local() -> bool:
    return isinstance(storages["default"], FileSystemStorage)


def blob_write(source: BinaryIO | Path) -> Blob:
    """Store the bytes of an open file (from where it stands to its end) or of a path; give their digest and size.

    Written under another name, synced and renamed: a crash leaves a whole file or none. Raises `DiskFull`.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return blob_write(file)
    digest, size = hashlib.sha256(), 0
    with scratch_file() as scratch, disk_errors():
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            scratch.file.write(chunk)
        blob = Blob(digest.hexdigest(), size)
        blob_adopt(scratch, blob)
    return blob


def blob_write_bytes(data: bytes) -> Blob:
    return blob_write(io.BytesIO(data))


def blob_adopt(scratch: Scratch, blob: Blob) -> None:
    """Store a scratch file whose digest and size the caller computed while writing it."""
    scratch.file.flush()
    os.fsync(scratch.file.fileno())
    name = blob_name(blob.sha256_hex)
    _hold(blob.sha256_hex)
    if _is_local():
        final = Path(default_storage.path(name))
        final.parent.mkdir(parents=True, exist_ok=True)
        # Over a file of the same name as well: should that one have rotted, this heals it.
        scratch.path.chmod(0o600)
        os.replace(scratch.path, final)
        _sync_folder(final.parent)
    elif not default_storage.exists(name):
        with scratch.path.open("rb") as file:
            default_storage.save(name, File(file))


def blob_hold(sha256_hex: str) -> None:
    """Keep stored bytes from being removed as unreferenced; whoever makes a row refer to bytes that it did not store itself
    calls this first, and commits within hours. Raises `BlobMissing` where they are gone.
    """
    _hold(sha256_hex)
    if not blob_exists(sha256_hex):
        raise BlobMissing(f"nothing is stored under {sha256_hex}")


def _hold(sha256_hex: str) -> None:
    # Looked for first: a read costs nothing, and hardly a file is ever marked (`core.retention`).
    if UnreferencedBlob.objects.filter(sha256=sha256_hex).exists():
        UnreferencedBlob.objects.filter(sha256=sha256_hex).delete()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _CheckedFile(io.RawIOBase):
    """Reads a stored file and hashes what passes in order; the read that reaches the end raises when the digest
    differs.
    """

    def __init__(self, file: IO[bytes], sha256_hex: str) -> None:
        self._file, self._expected = file, sha256_hex
        self._digest, self._hashed = hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        position = self._file.tell()
        data = self._file.read(len(view))
        view[: len(data)] = data
        if position <= self._hashed < position + len(data):
            fresh = data[self._hashed - position :]
            self._digest.update(fresh)
            self._hashed += len(fresh)
        elif not data and len(view) and position == self._hashed and self._digest.hexdigest() != self._expected:
            raise BlobCorrupt(f"the stored bytes of {self._expected} have changed")
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def blob_open(sha256_hex: str) -> BinaryIO:
    """Give the stored bytes, open for reading and seeking.

    Reading through to the end raises `BlobCorrupt` when they no longer have their digest; who jumps about calls
    `blob_verify` first.
    Raises `BlobMissing`.
    """
    try:
        file = default_storage.open(blob_name(sha256_hex), "rb")
    except FileNotFoundError as error:
        raise BlobMissing(f"nothing is stored under {sha256_hex}") from error
    return io.BufferedReader(_CheckedFile(cast(IO[bytes], file), sha256_hex), CHUNK_BYTES)


def blob_read(sha256_hex: str, max_bytes: int) -> bytes:
    """Give the stored bytes whole, checked. Raises `BlobMissing`, `BlobCorrupt`, and `ValueError` above `max_bytes`."""
    with blob_open(sha256_hex) as file:
        data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise ValueError(f"{sha256_hex} holds more than {max_bytes} bytes")
        file.read(1)
    if hashlib.sha256(data).hexdigest() != sha256_hex:
        raise BlobCorrupt(f"the stored bytes of {sha256_hex} have changed")
    return data


def blob_verify(sha256_hex: str) -> Blob:
    """Read the stored bytes to their end and give their size. Raises `BlobMissing` or `BlobCorrupt`."""
    size = 0
    with blob_open(sha256_hex) as file:
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
    return Blob(sha256_hex, size)


def blob_exists(sha256_hex: str) -> bool:
    try:
        return default_storage.exists(blob_name(sha256_hex))
    except BlobMissing:
        return False


def blob_size(sha256_hex: str) -> int:
    """Give the size in bytes. Raises `BlobMissing`."""
    try:
        return default_storage.size(blob_name(sha256_hex))
    except FileNotFoundError as error:
        raise BlobMissing(f"nothing is stored under {sha256_hex}") from error


@contextmanager
def blob_path_local(sha256_hex: str) -> Iterator[Path]:
    """Give the path of a local file with exactly these bytes, checked now; do not write to it. Raises
    `BlobMissing`, `BlobCorrupt`.
    """
    name = blob_name(sha256_hex)
    if _is_local():
        blob_verify(sha256_hex)
        yield Path(default_storage.path(name))
        return
    with scratch_file() as scratch, blob_open(sha256_hex) as file:
        with disk_errors():
            while chunk := file.read(CHUNK_BYTES):
                scratch.file.write(chunk)
            scratch.file.flush()
        yield scratch.path
