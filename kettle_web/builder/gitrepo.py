"""Git repositories written by our own code: one commit made of a folder's files, the same on every machine.

Used for the bundled sample and for archives that come without a `.git`. Only what one commit needs: loose objects,
one branch, an index. Source: gitrepository-layout(5), gitformat-index(5), «Git Objects» of Pro Git.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISLNK, S_ISREG

BRANCH = "main"
CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
AUTHOR = "Kettle Web <source@kettle-web.invalid>"
"""The author of made commits; it belongs to the commit's identity, so it never changes."""
FILE, PROGRAM, LINK, FOLDER = 0o100644, 0o100755, 0o120000, 0o040000


@dataclass(frozen=True)
class GitFile:
    """One tracked file: its path inside the repository, git mode, blob id (40 hex digits) and size in bytes."""

    path: bytes
    mode: int
    blob: str
    size: int


@dataclass(frozen=True)
class Commit:
    """One commit made of files. `files` maps paths inside `.git` to their bytes; the blobs are not among them."""

    commit: str
    tree: str
    files: dict[str, bytes]


def object_path(object_id: str) -> str:
    """Give the path of a loose object inside `.git`."""
    return f"objects/{object_id[:2]}/{object_id[2:]}"


def object_make(kind: str, data: bytes) -> tuple[str, bytes]:
    """Give an object's id and the bytes of its loose file."""
    whole = f"{kind} {len(data)}\0".encode() + data
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest(), zlib.compress(whole, 6)


def commit_make(files: Iterable[GitFile], *, message: str) -> Commit:
    """Make trees, one commit without parents (dated 1970, so that equal files give the equal commit), and an index."""
    tracked = sorted(files, key=lambda file: file.path)
    out: dict[str, bytes] = {}

    def keep(kind: str, data: bytes) -> str:
        object_id, packed = object_make(kind, data)
        out[object_path(object_id)] = packed
        return object_id

    tree = _tree_make(tracked, keep)
    stamp = f"{AUTHOR} 0 +0000"
    commit = keep("commit", f"tree {tree}\nauthor {stamp}\ncommitter {stamp}\n\n{message}\n".encode())
    out |= {
        "HEAD": f"ref: refs/heads/{BRANCH}\n".encode(),
        "config": CONFIG,
        "index": _index_make(tracked),
        f"refs/heads/{BRANCH}": f"{commit}\n".encode(),
    }
    return Commit(commit=commit, tree=tree, files=out)


def _tree_make(files: list[GitFile], keep: Callable[[str, bytes], str]) -> str:
    """Write the tree of `files`, whose paths are relative to it, and of every folder below. Git sorts folders as `name/`."""
    rows: list[tuple[bytes, int, bytes, str]] = []
    below: dict[bytes, list[GitFile]] = {}
    for file in files:
        name, slash, rest = file.path.partition(b"/")
        if slash:
            below.setdefault(name, []).append(GitFile(rest, file.mode, file.blob, file.size))
        else:
            rows.append((name, file.mode, name, file.blob))
    rows += [(name + b"/", FOLDER, name, _tree_make(inside, keep)) for name, inside in below.items()]
    data = b"".join(b"%o %s\0" % (mode, name) + bytes.fromhex(blob) for _, mode, name, blob in sorted(rows))
    return keep("tree", data)


def _index_make(files: list[GitFile]) -> bytes:
    """Give an index, version 2. File times are zero: git compares the content instead, and finds it unchanged."""
    data = struct.pack(">4sLL", b"DIRC", 2, len(files))
    for file in files:
        row = struct.pack(">10L", 0, 0, 0, 0, 0, 0, file.mode, 0, 0, file.size & 0xFFFFFFFF)
        row += bytes.fromhex(file.blob) + struct.pack(">H", min(len(file.path), 0xFFF)) + file.path
        data += row + b"\0" * (8 - len(row) % 8)
    return data + hashlib.sha1(data, usedforsecurity=False).digest()


def folder_commit(folder: Path, *, message: str) -> Commit:
    """Make `folder` a repository: every file below it, in one commit. Files are read in pieces, so they may be large.

    Folders called `.git` below are left out, as git does. Empty folders are not tracked.
    """
    git = folder / ".git"
    tracked: list[GitFile] = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        status = path.lstat()
        if ".git" in inside.parts or not (S_ISLNK(status.st_mode) or S_ISREG(status.st_mode)):
            continue
        mode = LINK if S_ISLNK(status.st_mode) else PROGRAM if status.st_mode & 0o100 else FILE
        blob, size = _blob_write(git, path, link=mode == LINK)
        tracked.append(GitFile(str(inside).encode("utf-8", "surrogateescape"), mode, blob, size))
    made = commit_make(tracked, message=message)
    for name, data in made.files.items():
        target = git / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return made


def _blob_write(git: Path, path: Path, *, link: bool) -> tuple[str, int]:
    """Store one file as a loose object, under another name until its id is known."""
    if link:
        data = str(path.readlink()).encode("utf-8", "surrogateescape")
        blob, packed = object_make("blob", data)
        target = git / object_path(blob)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(packed)
        return blob, len(data)
    size = path.stat().st_size
    head = f"blob {size}\0".encode()
    digest, packer = hashlib.sha1(head, usedforsecurity=False), zlib.compressobj(1)
    part = git / "objects" / "part"
    part.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as source, part.open("wb") as packed_file:
        packed_file.write(packer.compress(head))
        while piece := source.read(1 << 20):
            digest.update(piece)
            packed_file.write(packer.compress(piece))
        packed_file.write(packer.flush())
    blob = digest.hexdigest()
    target = git / object_path(blob)
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)
    return blob, size
