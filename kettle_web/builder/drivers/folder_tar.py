"""A folder that a build made, as a tar whose bytes follow from its files alone."""

import os
import stat
import tarfile
from pathlib import Path

from kettle_web.builder.errors import BuildFailed, LimitExceeded

MAX_ENTRIES = 200_000
MAX_DEPTH = 100
MAX_BYTES = 8 << 30
"""Before packing: a file full of holes takes no space on disk, but hours to pack."""
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def folder_tar(parent: Path, name: str, archive: tarfile.TarFile) -> int:
    """Add `parent/name`: folders, regular files and links that stay inside; sorted, without owners and times. Give the count of files.

    The build could have put links anywhere: none is followed, and one that leads out of the folder is an error.

    Raises:
        BuildFailed: there is no such folder, or it holds something that may not be packed.
        LimitExceeded: too many entries, or bytes.
    """
    try:
        top = os.open(parent / name, FLAGS | os.O_DIRECTORY)
    except OSError as error:
        raise BuildFailed(f"The build made no folder {name}.") from error
    try:
        return _Packing(archive, name).folder(top, ())
    finally:
        os.close(top)


class _Packing:
    def __init__(self, archive: tarfile.TarFile, top: str) -> None:
        self._archive, self._top, self._entries, self._bytes = archive, top, 0, 0

    def folder(self, descriptor: int, inside: tuple[str, ...]) -> int:
        if len(inside) > MAX_DEPTH:
            raise LimitExceeded(f"{self._top} holds folders deeper than {MAX_DEPTH}.")
        self._add("/".join((self._top, *inside)), tarfile.DIRTYPE, 0o755)
        files = 0
        for name in sorted(os.listdir(descriptor)):
            place = (*inside, name)
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                below = os.open(name, FLAGS | os.O_DIRECTORY, dir_fd=descriptor)
                try:
                    files += self.folder(below, place)
                finally:
                    os.close(below)
            elif stat.S_ISREG(status.st_mode):
                self._file(os.open(name, FLAGS, dir_fd=descriptor), "/".join((self._top, *place)))
                files += 1
            elif stat.S_ISLNK(status.st_mode):
                self._link(os.readlink(name, dir_fd=descriptor), place)
            else:
                raise BuildFailed(f"{'/'.join(place)!r} in {self._top} is neither a file nor a folder nor a link.")
        return files

    def _file(self, descriptor: int, name: str) -> None:
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            head = self._head(name, tarfile.REGTYPE, 0o755 if status.st_mode & 0o100 else 0o644)
            head.size = status.st_size
            self._bytes += status.st_size
            if self._bytes > MAX_BYTES:
                raise LimitExceeded(f"The files in {self._top} are larger than {MAX_BYTES} bytes.")
            self._archive.addfile(head, file)

    def _link(self, target: str, place: tuple[str, ...]) -> None:
        parts = target.split("/")
        up = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
        # After a name, «..» could climb out of the target of another link: only a way that climbs first can be judged by its text.
        if target.startswith("/") or ".." in parts[up:] or up > len(place) - 1:
            raise BuildFailed(f"The link {'/'.join(place)!r} in {self._top} leads out of it.")
        self._add("/".join((self._top, *place)), tarfile.SYMTYPE, 0o777, target)

    def _add(self, name: str, kind: bytes, mode: int, target: str = "") -> None:
        head = self._head(name, kind, mode)
        head.linkname = target
        self._archive.addfile(head)

    def _head(self, name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise LimitExceeded(f"{self._top} holds more than {MAX_ENTRIES} entries.")
        head = tarfile.TarInfo(name)
        head.type, head.mode = kind, mode
        return head
