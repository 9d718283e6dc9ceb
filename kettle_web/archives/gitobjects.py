"""Names of git objects, computed from content. Source: git's gitformat-pack and «Git Internals – Git Objects»."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MODE_FILE: Final = 0o100644
MODE_EXECUTABLE: Final = 0o100755
MODE_LINK: Final = 0o120000
MODE_TREE: Final = 0o040000
MODE_GITLINK: Final = 0o160000
"""A submodule: the object is a commit of another repository."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    mode: int
    sha1: bytes
    """20 bytes."""


def blob_sha1(size: int, contents: Iterable[bytes]) -> bytes:
    """Give the 20-byte name of a blob of `size` bytes. SHA-1 because git says so: it identifies, it does not protect."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    for part in contents:
        digest.update(part)
    return digest.digest()


def tree_sha1(entries: Mapping[str, TreeEntry]) -> str:
    """Give the tree's name, 40 hex digits, of files by their path relative to the project. Empty folders do not exist for git."""
    root: dict[bytes, object] = {}
    for path, entry in entries.items():
        folder = root
        *parents, name = path.encode().split(b"/")
        for parent in parents:
            inner = folder.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise ValueError("a path leads through a file")
            folder = inner
        folder[name] = entry
    return _tree(root).hex()


def _tree(folder: dict[bytes, object]) -> bytes:
    rows: list[tuple[bytes, bytes]] = []
    for name, inner in folder.items():
        # Git sorts a folder as if its name ended in a slash: «a.b» comes before «a/».
        if isinstance(inner, TreeEntry):
            rows.append((name, b"%o %s\0%s" % (inner.mode, name, inner.sha1)))
        elif isinstance(inner, dict):
            rows.append((name + b"/", b"%o %s\0%s" % (MODE_TREE, name, _tree(inner))))
    body = b"".join(row for _, row in sorted(rows))
    return hashlib.sha1(b"tree %d\0%s" % (len(body), body), usedforsecurity=False).digest()
