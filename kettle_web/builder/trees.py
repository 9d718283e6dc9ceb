"""Folders that hostile code filled: measured and removed whatever their depth.

A program can nest folders deeper than any path may be long, and than Python may call itself. What lies there could neither be
measured nor removed by its path.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from kettle_web.builder.errors import LimitExceeded

MAX_DEPTH = 250
"""Of folders in a build's work. Those of real builds lie some tens deep."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def disk_used(folder: Path) -> int:
    """Give the bytes that a folder takes on disk, never following a link out of it.

    Raises:
        LimitExceeded: a folder cannot be looked into: it lies too deep, or is closed to its own owner.
    """
    total = 0
    waiting = [(str(folder), 0)]
    while waiting:
        path, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise LimitExceeded(f"It nested folders more than {MAX_DEPTH} deep, so it was ended.")
        with _measuring(), os.scandir(path) as entries:
            for entry in entries:
                with _measuring():
                    status = entry.stat(follow_symlinks=False)
                    is_folder = stat.S_ISDIR(status.st_mode)
                    total += status.st_blocks * 512 // (1 if is_folder else max(1, status.st_nlink))
                    if is_folder:
                        waiting.append((entry.path, depth + 1))
    return total


@contextlib.contextmanager
def _measuring() -> Iterator[None]:
    """Pass over what has gone meanwhile, and over nothing else: a build could hide gigabytes there."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EACCES):
            raise LimitExceeded(f"It made folders that cannot be looked into ({error.strerror}), so it was ended.") from error


def tree_remove(folder: Path) -> None:
    """Remove a folder with all that is in it; a link is removed, never followed. One that is not there is no error.

    Folders found inside are moved up beside it before they are emptied, so no path grows long and nothing calls itself.
    Whoever filled it must have ended. Raises OSError where the system refuses.
    """
    pile = folder.with_name(f"{folder.name}.gone")
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        pile.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        folder.rename(pile / "top")
    if pile.exists():
        top = os.open(pile, FOLDER)
        try:
            _empty(top)
        finally:
            os.close(top)
        pile.rmdir()


def _empty(pile: int) -> None:
    moved = 1 + max((int(name) for name in os.listdir(pile) if name.isdecimal()), default=0)
    while names := os.listdir(pile):
        for name in names:
            os.chmod(name, 0o700, dir_fd=pile)
            inner = os.open(name, FOLDER, dir_fd=pile)
            try:
                for found in os.listdir(inner):
                    if not stat.S_ISDIR(os.stat(found, dir_fd=inner, follow_symlinks=False).st_mode):
                        os.unlink(found, dir_fd=inner)
                        continue
                    # The kernel lets only those move a folder who may write into it.
                    os.chmod(found, 0o700, dir_fd=inner)
                    moved += 1
                    os.rename(found, str(moved), src_dir_fd=inner, dst_dir_fd=pile)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=pile)
