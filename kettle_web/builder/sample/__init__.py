"""The bundled samples: small projects without dependencies, each as an archive with its own git history of one commit.

`hello-kettle` (Rust) is the sample. `hello-kettle-node` (Node.js with pnpm) stands in for it on a machine without Rust.
"""

import gzip
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kettle_web.builder.gitrepo import FILE, Commit, GitFile, commit_make, object_make, object_path
from kettle_web.builder.toolchains import toolchains_found

LEFT_OUT = {"target", "dist", "node_modules", ".git", "__pycache__"}
"""What a developer's own try may have left in the sample's folder."""


@dataclass(frozen=True)
class Sample:
    """One bundled project: its folder's name, the toolchain that builds it, and its commit's message."""

    name: str
    toolchain: str
    message: str

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return Path(__file__).parent / self.name


RUST = Sample("hello-kettle", "cargo", "hello-kettle: Boil a litre of water.")
NODE = Sample("hello-kettle-node", "pnpm", "hello-kettle-node: Boil a litre of water.")
SAMPLES = (RUST, NODE)
SAMPLE_NAME = RUST.name


def sample_for_machine(found: Mapping[str, str | None] | None = None) -> Sample:
    """Give the first sample whose toolchain this machine has; without any, the first one. `found`: see toolchains_found."""
    found = toolchains_found() if found is None else found
    return next((sample for sample in SAMPLES if found.get(sample.toolchain)), RUST)


def sample_files(sample: Sample = RUST) -> dict[str, bytes]:
    """Give the sample's files: path inside the project to bytes."""
    found = {}
    for path in sorted(sample.folder.rglob("*")):
        inside = path.relative_to(sample.folder)
        if path.is_file() and not LEFT_OUT.intersection(inside.parts):
            found[inside.as_posix()] = path.read_bytes()
    return found


def sample_git_tree(sample: Sample = RUST) -> str:
    """Give the git tree of the sample's files (40 hex digits): how the builder knows the sample when it sees it."""
    return _sample_commit(sample)[0].tree


def sample_of_tree(tree: str) -> Sample | None:
    """Give the sample whose files have this git tree; None: it is no sample."""
    return next((sample for sample in SAMPLES if sample_git_tree(sample) == tree), None)


def sample_write(folder: Path, sample: Sample = RUST) -> None:
    """Write the sample, with its `.git`, into an existing empty folder."""
    for name, data in _sample_all(sample).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


@lru_cache(maxsize=len(SAMPLES))
def sample_archive(sample: Sample = RUST) -> bytes:
    """Give the sample as a tar.gz with one top-level folder, `.git` included; the same bytes every time."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as stream,
        tarfile.open(mode="w", fileobj=stream, format=tarfile.USTAR_FORMAT) as archive,
    ):
        files = _sample_all(sample)
        folders = {str(parent) for name in files for parent in Path(sample.name, name).parents if str(parent) != "."}
        for folder in sorted(folders | {f"{sample.name}/.git/refs/tags"}):
            head = tarfile.TarInfo(folder)
            head.type, head.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(head)
        for name, data in sorted(files.items()):
            head = tarfile.TarInfo(f"{sample.name}/{name}")
            head.size, head.mode = len(data), 0o644
            archive.addfile(head, io.BytesIO(data))
    return packed.getvalue()


def _sample_all(sample: Sample) -> dict[str, bytes]:
    commit, blobs = _sample_commit(sample)
    return sample_files(sample) | {f".git/{name}": data for name, data in (commit.files | blobs).items()}


@lru_cache(maxsize=len(SAMPLES))
def _sample_commit(sample: Sample) -> tuple[Commit, dict[str, bytes]]:
    tracked, blobs = [], {}
    for name, data in sample_files(sample).items():
        blob, packed = object_make("blob", data)
        blobs[object_path(blob)] = packed
        tracked.append(GitFile(name.encode(), FILE, blob, len(data)))
    return commit_make(tracked, message=sample.message), blobs
