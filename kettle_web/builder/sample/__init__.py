"""The bundled sample: a small Rust project without dependencies, as an archive with its own git history of one commit."""

import gzip
import io
import tarfile
from functools import lru_cache
from pathlib import Path

from kettle_web.builder.gitrepo import FILE, Commit, GitFile, commit_make, object_make, object_path

SAMPLE_NAME = "hello-kettle"
FOLDER = Path(__file__).parent / SAMPLE_NAME
MESSAGE = "hello-kettle: Boil a litre of water."
LEFT_OUT = {"target", ".git", "__pycache__"}
"""What a developer's own try may have left in the sample's folder."""


def sample_files() -> dict[str, bytes]:
    """Give the sample's files: path inside the project to bytes."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        inside = path.relative_to(FOLDER)
        if path.is_file() and not LEFT_OUT.intersection(inside.parts):
            found[inside.as_posix()] = path.read_bytes()
    return found


def sample_git_tree() -> str:
    """Give the git tree of the sample's files (40 hex digits): how the builder knows the sample when it sees it."""
    return _sample_commit()[0].tree


def sample_write(folder: Path) -> None:
    """Write the sample, with its `.git`, into an existing empty folder."""
    for name, data in _sample_all().items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


@lru_cache(maxsize=1)
def sample_archive() -> bytes:
    """Give the sample as a tar.gz with one top-level folder, `.git` included; the same bytes every time."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as stream,
        tarfile.open(mode="w", fileobj=stream, format=tarfile.USTAR_FORMAT) as archive,
    ):
        files = _sample_all()
        folders = {str(parent) for name in files for parent in Path(SAMPLE_NAME, name).parents if str(parent) != "."}
        for folder in sorted(folders | {f"{SAMPLE_NAME}/.git/refs/tags"}):
            head = tarfile.TarInfo(folder)
            head.type, head.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(head)
        for name, data in sorted(files.items()):
            head = tarfile.TarInfo(f"{SAMPLE_NAME}/{name}")
            head.size, head.mode = len(data), 0o644
            archive.addfile(head, io.BytesIO(data))
    return packed.getvalue()


def _sample_all() -> dict[str, bytes]:
    commit, blobs = _sample_commit()
    return sample_files() | {f".git/{name}": data for name, data in (commit.files | blobs).items()}


@lru_cache(maxsize=1)
def _sample_commit() -> tuple[Commit, dict[str, bytes]]:
    tracked, blobs = [], {}
    for name, data in sample_files().items():
        blob, packed = object_make("blob", data)
        blobs[object_path(blob)] = packed
        tracked.append(GitFile(name.encode(), FILE, blob, len(data)))
    return commit_make(tracked, message=MESSAGE), blobs
