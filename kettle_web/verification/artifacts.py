"""Where the bytes of a build's files come from. Names are compared, never joined to a path."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol, runtime_checkable

NOT_ARTIFACTS: Final = frozenset({"provenance.json", "evidence.json"})
MAX_ENTRIES: Final = 100_000
"""Directory entries that are looked at. A bundle has up to 1,024 artifacts; more than this is an attack on memory."""


class ArtifactSource(Protocol):
    """Files by name."""

    def names(self) -> Iterable[str]:
        """Every name that there are bytes for."""

    def open(self, name: str) -> BinaryIO:
        """The bytes under one of `names`; the caller closes it."""


@runtime_checkable
class CopiedArtifactSource(ArtifactSource, Protocol):
    """A source that may hold several copies under one name; every one of them counts."""

    def open_copies(self, name: str) -> Iterator[BinaryIO]: ...


class NoArtifacts:
    """A source without files."""

    def names(self) -> Iterable[str]:
        return ()

    def open(self, name: str) -> BinaryIO:
        raise FileNotFoundError(name)


class FolderArtifacts:
    """Regular files directly in a folder and in its `artifacts/` folder; links and devices are not followed."""

    def __init__(self, folder: Path) -> None:
        self._places: dict[str, list[Path]] = {}
        count = 0
        for place in (folder, folder / "artifacts"):
            if place.is_symlink() or not place.is_dir():
                continue
            with os.scandir(place) as entries:
                for entry in entries:
                    count += 1
                    if count > MAX_ENTRIES:
                        raise OSError(f"more than {MAX_ENTRIES} entries")
                    if entry.is_file(follow_symlinks=False) and not (place == folder and entry.name in NOT_ARTIFACTS):
                        self._places.setdefault(entry.name, []).append(Path(entry.path))

    def names(self) -> Iterable[str]:
        return tuple(self._places)

    def open(self, name: str) -> BinaryIO:
        return next(self.open_copies(name))

    def open_copies(self, name: str) -> Iterator[BinaryIO]:
        for path in self._places.get(name, []):
            yield file_open_regular(path)


def file_open_regular(path: Path, *, follow: bool = False) -> BinaryIO:
    """Opens a regular file without waiting on a pipe. Raises `OSError` for anything else.

    `follow`: links too, for a path that the reader named. Inside a bundle none is followed: whoever made it could point out of it.
    """
    link = 0 if follow else getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, os.O_RDONLY | link | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path.name} is not a regular file")
    return os.fdopen(descriptor, "rb")
