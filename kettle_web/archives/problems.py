"""What pre-flight finds in a source archive, each finding with what to do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from kettle_web.archives.entries import Kind
from kettle_web.archives.gitindex import IndexEntry
from kettle_web.archives.gitobjects import MODE_GITLINK, TreeEntry
from kettle_web.archives.limits import STOCK_SERVER_ARCHIVE_BYTES
from kettle_web.archives.names import name_key, name_shown

PATHS_SHOWN: Final = 20
CLEAN: Final = "Make a fresh clone («git clone») and pack that, or run «git clean -xdf» first (it deletes files that git does not track)."

LOCKFILES: Final = {"nix": "flake.lock", "cargo": "Cargo.lock", "pnpm": "pnpm-lock.yaml"}
MANIFESTS: Final = {"nix": "flake.nix", "cargo": "Cargo.toml", "pnpm": "package.json"}
DETECTED_BY: Final = (("nix", "flake.nix"), ("cargo", "Cargo.lock"), ("pnpm", "pnpm-lock.yaml"))
"""The order in which Kettle servers decide. Source: the Kettle API, «What a server does with a build», step 2."""
BUILD_OUTPUTS: Final = ("target", "dist", "result", "node_modules")
_OWN_OUTPUTS: Final = {"nix": ("result",), "cargo": ("target",), "pnpm": ("dist", "node_modules")}
"""What the toolchain would put there itself: refused even when git tracks it, because it would be attested as built."""


@dataclass(frozen=True)
class Problem:
    """One finding. `code` is stable; `refuse` stops the submission, `warn` is shown and left to the person."""

    code: str
    severity: Literal["refuse", "warn"]
    message: str
    advice: str
    paths: tuple[str, ...] = ()
    """At most `PATHS_SHOWN`, safe to show, relative to the project."""


def _shown(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(name_shown(path) for path in sorted(paths)[:PATHS_SHOWN])


def _count(paths: list[str] | set[str]) -> str:
    return "1 file" if len(paths) == 1 else f"{len(paths)} files"


def toolchain_detect(names: Iterable[str]) -> str | None:
    """Give the toolchain that a Kettle server would choose by the names in the project's folder."""
    present = set(names)
    return next((toolchain for toolchain, name in DETECTED_BY if name in present), None)


def toolchain_problems(toolchain: str | None, tops: Mapping[str, Kind], nested_lockfiles: list[str]) -> list[Problem]:
    """Is there what a build needs? `tops` are the names in the project's folder."""
    if toolchain is None:
        manifest = next((name for name in ("Cargo.toml", "package.json") if name in tops), "")
        lock_advice = {
            "Cargo.toml": "Run «cargo generate-lockfile» and commit Cargo.lock.",
            "package.json": "Run «pnpm install --lockfile-only» and commit pnpm-lock.yaml.",
        }
        if manifest:
            return [
                Problem(
                    "source.no-lockfile",
                    "refuse",
                    f"There is {manifest}, but no lockfile beside it: the build would not be fixed.",
                    lock_advice[manifest],
                )
            ]
        if nested_lockfiles:
            return [
                Problem(
                    "source.no-toolchain",
                    "refuse",
                    "There is no lockfile in the project's folder, but one in a folder below it.",
                    "Kettle builds what lies at the top: pack that folder itself.",
                    _shown(nested_lockfiles),
                )
            ]
        return [
            Problem(
                "source.no-toolchain",
                "refuse",
                "There is nothing here that Kettle can build: no flake.nix, Cargo.lock or pnpm-lock.yaml in the project's folder.",
                "Add and commit the lockfile of your toolchain, and pack the project's folder itself.",
            )
        ]
    problems = []
    lockfile, manifest = LOCKFILES[toolchain], MANIFESTS[toolchain]
    if lockfile not in tops:
        problems.append(
            Problem(
                "source.no-lockfile", "refuse", f"There is {manifest}, but no {lockfile}.", "Run «nix flake lock» and commit flake.lock."
            )
        )
    elif tops[lockfile] is not Kind.FILE:
        problems.append(
            Problem("source.lockfile-link", "refuse", f"{lockfile} is not a plain file.", "Replace it by the file itself.", (lockfile,))
        )
    if manifest not in tops:
        problems.append(
            Problem(
                "source.no-manifest",
                "refuse",
                f"There is {lockfile}, but no {manifest} beside it.",
                "Pack the project's folder itself, with all its files.",
            )
        )
    return problems


def output_problems(
    toolchain: str | None, paths: Iterable[str], tops: Mapping[str, Kind], tracked: Mapping[str, object] | None
) -> list[Problem]:
    """Are there outputs of an earlier build? A server would attest them as if it had made them."""
    own = _OWN_OUTPUTS.get(toolchain or "", ())
    found: set[str] = {name for name in own if name in tops}
    for path in paths:
        if tracked is not None and path in tracked:
            continue
        parts = path.split("/")
        if parts[0] in BUILD_OUTPUTS:
            found.add(parts[0])
        elif "node_modules" in parts[:-1]:
            found.add("/".join(parts[: parts.index("node_modules") + 1]))
    if not found:
        return []
    return [
        Problem(
            "source.build-outputs",
            "refuse",
            "The archive contains outputs of an earlier build: they would be attested as if they had been built here.",
            CLEAN,
            _shown(found),
        )
    ]


def index_problems(files: Mapping[str, TreeEntry], modes_known: Mapping[str, bool], index: Mapping[str, IndexEntry]) -> list[Problem]:
    """Do the files agree with what git tracks?"""
    problems = []
    untracked = {path for path in files if path not in index and path.split("/")[0] not in BUILD_OUTPUTS}
    if untracked:
        problems.append(
            Problem(
                "source.untracked", "refuse", f"The archive contains {_count(untracked)} that git does not track.", CLEAN, _shown(untracked)
            )
        )
    missing = {path for path, entry in index.items() if path not in files and not entry.absent and entry.mode != MODE_GITLINK}
    changed = {
        path
        for path, entry in files.items()
        if path in index and (index[path].sha1 != entry.sha1 or (modes_known[path] and index[path].mode != entry.mode))
    }
    if missing or changed:
        problems.append(
            Problem(
                "source.modified",
                "warn",
                f"{_count(missing | changed)} differ from what git recorded, so the recorded commit will not match these files.",
                "Commit or undo the changes; check line endings (core.autocrlf) and filters such as Git LFS.",
                _shown(missing | changed),
            )
        )
    return problems


def size_problems(packed_bytes: int) -> list[Problem]:
    """Would a stock server take it?"""
    if packed_bytes <= STOCK_SERVER_ARCHIVE_BYTES:
        return []
    return [
        Problem(
            "source.size",
            "warn",
            f"The archive has {packed_bytes / 1_000_000:.1f} MB; Kettle servers as they come take archives of about 1.5 MB.",
            "Submit the git repository's URL instead, or pack a shallow clone («git clone --depth 1»).",
        )
    ]


def case_problems(paths: Iterable[str]) -> list[Problem]:
    """Are there names that differ only in case?"""
    seen: dict[str, str] = {}
    twins: set[str] = set()
    for path in paths:
        first = seen.setdefault(name_key(path, fold_case=True), path)
        if first != path:
            twins |= {first, path}
    if not twins:
        return []
    return [
        Problem(
            "source.case-collision",
            "warn",
            "The archive contains names that differ only in upper and lower case.",
            "Not every system can hold both: rename one of them.",
            _shown(twins),
        )
    ]
