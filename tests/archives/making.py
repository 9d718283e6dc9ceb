"""Archives and repositories made in code, honest and hostile."""

import gzip
import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

GIT_ENV = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}

CARGO = {"Cargo.toml": b"[package]\nname = 'x'\n", "Cargo.lock": b"version = 4\n", "src/main.rs": b"fn main() {}\n"}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], env=GIT_ENV, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def files_write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def repository_make(folder: Path, files: dict[str, bytes] = CARGO, *, origin: str = "https://example.org/p.git") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    files_write(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    if origin:
        git(folder, "remote", "add", "origin", origin)
    return folder


def tar_bytes(entries: list[tuple[tarfile.TarInfo, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for info, data in entries:
            if info.type == tarfile.REGTYPE:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_gz(entries: list[tuple[tarfile.TarInfo, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    return gzip.compress(tar_bytes(entries, format), mtime=0)


def member(
    name: str, data: bytes = b"x", *, type: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = type, link, mode
    return info, data if type == tarfile.REGTYPE else b""


def folder_tar(folder: Path, top: str = "project") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        tar.add(folder, arcname=top)
    return buffer.getvalue()


def zip_bytes(files: dict[str, bytes], *, mode: int = 0o100644, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.create_system = 3
            info.compress_type = method
            archive.writestr(info, data)
    return buffer.getvalue()


def raw_header(name: bytes, size: int, type: bytes = b"0", *, link: bytes = b"", magic: bytes = b"ustar\x0000") -> bytes:
    """A tar header as bytes, for what Python's tarfile would not write."""
    head = bytearray(512)
    head[0:100] = name[:100].ljust(100, b"\0")
    head[100:108] = b"0000644\0"
    head[124:136] = b"%011o\0" % size
    head[156:157] = type
    head[157:257] = link.ljust(100, b"\0")
    head[257 : 257 + len(magic)] = magic
    head[148:156] = b"        "
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def pax(records: dict[bytes, bytes], type: bytes = b"x") -> bytes:
    data = b""
    for key, value in records.items():
        body = b" %s=%s\n" % (key, value)
        length = len(body) + 1
        while len(b"%d" % length) + len(body) != length:
            length += 1
        data += b"%d" % length + body
    return raw_header(b"pax", len(data), type) + padded(data)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 512)


END = b"\0" * 1024
