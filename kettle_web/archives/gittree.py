"""The git tree of a folder's files as they are, whatever its .git says."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.gitobjects import MODE_EXECUTABLE, MODE_FILE, MODE_LINK, TreeEntry, blob_sha1, tree_sha1
from kettle_web.archives.limits import CHUNK_BYTES
from kettle_web.archives.names import name_shown


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(CHUNK_BYTES):
            yield part


def _entries(folder: Path, prefix: str) -> Iterator[tuple[str, TreeEntry]]:
    with os.scandir(folder) as listing:
        children = list(listing)
    for child in children:
        path = prefix + child.name
        if child.name == ".git":
            continue
        status = child.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            yield from _entries(Path(child.path), path + "/")
        elif stat.S_ISLNK(status.st_mode):
            target = os.readlink(os.fsencode(child.path))
            yield path, TreeEntry(MODE_LINK, blob_sha1(len(target), (target,)))
        elif stat.S_ISREG(status.st_mode):
            mode = MODE_EXECUTABLE if status.st_mode & 0o100 else MODE_FILE
            yield path, TreeEntry(mode, blob_sha1(status.st_size, _chunks(Path(child.path))))
        else:
            shown = name_shown(path)
            raise ArchiveError("archive.device", f"«{shown}» is a device, pipe or socket.", "Remove it.", paths=(shown,))


def tree_of_folder(path: Path) -> str:
    """Give the tree's name, 40 hex digits, of all files in the folder without `.git`.

    It is what `git add --all --force && git write-tree` would give in a new repository with no filters and no `.gitattributes`.
    Raises `ArchiveError` for a device, `OSError` where a file cannot be read.
    """
    return tree_sha1(dict(_entries(path, "")))
