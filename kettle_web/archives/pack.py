"""Packing a folder so that the same files give the same bytes."""

import gzip
import os
import stat
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.names import name_shown


def _walk(folder: Path, prefix: str, leave_out: Collection[str]) -> Iterator[tuple[str, Path]]:
    for child in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name)):
        name = f"{prefix}/{child.name}"
        if name.partition("/")[2] in leave_out:
            continue
        yield name, child
        if child.is_dir() and not child.is_symlink():
            yield from _walk(child, name, leave_out)


def folder_pack(folder: Path, to: Path, *, leave_out: Collection[str] = ()) -> None:
    """Write the folder, `.git` included, as a tar.gz with one top-level folder of its name.

    Sorted by name; times, owners and permissions other than the execute bit are dropped. `leave_out` names paths relative to the
    folder. Raises `ArchiveError` for devices, pipes and sockets, `OSError` where a file cannot be read.
    """
    top = folder.resolve().name or "source"
    with (
        to.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, place in [(top, folder), *_walk(folder, top, leave_out)]:
            if place.is_symlink() or place != to:
                _add(tar, name, place)


def _add(tar: tarfile.TarFile, name: str, place: Path) -> None:
    status = place.lstat() if place.is_symlink() else place.stat()
    info = tarfile.TarInfo(name)
    info.mode = 0o755 if status.st_mode & 0o100 else 0o644
    if stat.S_ISLNK(status.st_mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(place), 0o777
        tar.addfile(info)
    elif stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    elif stat.S_ISREG(status.st_mode):
        with place.open("rb") as file:
            info.size = os.fstat(file.fileno()).st_size
            tar.addfile(info, file)
    else:
        shown = name_shown(name)
        raise ArchiveError("archive.device", f"«{shown}» is a device, pipe or socket.", "Remove it.", paths=(shown,))
