"""Source archives: what is in them, before anything is sent or unpacked."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from kettle_web.archives.entries import Contents, Entry, Kind
from kettle_web.archives.gitconfig import url_has_credentials
from kettle_web.archives.gitindex import GitDataError, IndexEntry
from kettle_web.archives.gitobjects import MODE_EXECUTABLE, MODE_FILE, MODE_GITLINK, MODE_LINK, TreeEntry, blob_sha1, tree_sha1
from kettle_web.archives.gitrepo import GitFolder
from kettle_web.archives.limits import SOURCE_LIMITS, Limits
from kettle_web.archives.names import name_shown
from kettle_web.archives.problems import (
    CLEAN,
    LOCKFILES,
    Problem,
    case_problems,
    index_problems,
    output_problems,
    size_problems,
    toolchain_detect,
    toolchain_problems,
)
from kettle_web.archives.reader import ArchiveKind, archive_open
from kettle_web.archives.unpack import archive_unpack


@dataclass(frozen=True)
class SourceReport:
    """What pre-flight saw. Commit and origin are claims of the archive's own `.git`; tree and lockfile digest are computed."""

    kind: ArchiveKind
    top_folder: str
    """The single top-level folder, which then is the project; "": the archive's root is."""
    file_count: int
    """Files and links of the project, without `.git`."""
    total_bytes: int
    """Unpacked, `.git` included."""
    packed_bytes: int
    toolchain: str | None
    """"nix", "cargo" or "pnpm": what a Kettle server would choose; None: nothing that it could build."""
    lockfiles: tuple[str, ...]
    has_git: bool
    head_commit: str
    """Hex; "": no `.git`, or HEAD could not be resolved."""
    origin_url: str
    """"" also when it holds credentials."""
    git_tree: str
    """40 hex digits, of the files as packed; "" for a repository with SHA-256 objects or a damaged index."""
    lockfile_sha256: str
    """Hex, of the toolchain's lockfile; "" without one."""
    problems: tuple[Problem, ...]

    @property
    def is_refused(self) -> bool:
        """Whether a problem stands against submitting it."""
        return any(problem.severity == "refuse" for problem in self.problems)


@dataclass
class _Seen:
    """One pass over the archive. Paths are the archive's own until the end, when the project's folder is known."""

    files: dict[str, TreeEntry] = field(default_factory=dict)
    modes_known: dict[str, bool] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    lock_sha256: dict[str, str] = field(default_factory=dict)
    git: dict[str, GitFolder] = field(default_factory=dict)
    """By the folder that `.git` lies in, "" for the root."""
    git_files: set[str] = field(default_factory=set)
    """Where `.git` is a file, as in submodules and worktrees."""
    inner_git: set[str] = field(default_factory=set)
    total_bytes: int = 0

    def take(self, entry: Entry, contents: Contents) -> None:
        self.total_bytes += entry.size
        parts = entry.path.split("/")
        if ".git" in parts:
            self._take_git(parts, entry, contents)
        elif entry.kind is Kind.FOLDER:
            self.folders.add(entry.path)
        elif entry.kind is Kind.LINK:
            target = entry.target.encode()
            self.files[entry.path] = TreeEntry(MODE_LINK, blob_sha1(len(target), (target,)))
            self.modes_known[entry.path] = True
        else:
            self._take_file(parts[-1], entry, contents)

    def _take_file(self, name: str, entry: Entry, contents: Contents) -> None:
        lock = hashlib.sha256() if name in LOCKFILES.values() else None

        def watched() -> Contents:
            for part in contents:
                if lock:
                    lock.update(part)
                yield part

        mode = MODE_EXECUTABLE if entry.executable else MODE_FILE
        self.files[entry.path] = TreeEntry(mode, blob_sha1(entry.size, watched()))
        self.modes_known[entry.path] = entry.executable is not None
        if lock:
            self.lock_sha256[entry.path] = lock.hexdigest()

    def _take_git(self, parts: list[str], entry: Entry, contents: Contents) -> None:
        at = parts.index(".git")
        home = "/".join(parts[:at])
        if at > 1:
            self.inner_git.add(home)
        elif at == len(parts) - 1:
            if entry.kind is Kind.FOLDER:
                self.git.setdefault(home, GitFolder())
            else:
                self.git_files.add(home)
        else:
            folder = self.git.setdefault(home, GitFolder())
            if entry.kind is Kind.FILE:
                folder.take("/".join(parts[at + 1 :]), entry, contents)


def source_inspect(path: Path, *, limits: Limits = SOURCE_LIMITS) -> SourceReport:
    """Look through a source archive once, in memory that does not grow with its size.

    Raises `ArchiveError` for one that is unreadable or hostile; everything else is a problem of the report.
    """
    seen = _Seen()
    with archive_open(path, limits) as reading:
        for entry, contents in reading:
            seen.take(entry, contents)
    return _judge(seen, reading.kind, reading.top_folder, reading.packed_bytes)


def _judge(seen: _Seen, kind: ArchiveKind, top: str, packed_bytes: int) -> SourceReport:
    cut = len(top) + 1 if top else 0
    files = {path[cut:]: entry for path, entry in seen.files.items()}
    modes_known = {path[cut:]: known for path, known in seen.modes_known.items()}
    tops = {path.split("/", 1)[0]: Kind.FOLDER for path in [*files, *(folder[cut:] for folder in seen.folders)] if path}
    for path, tree_entry in files.items():
        if "/" not in path:
            tops[path] = Kind.LINK if tree_entry.mode == MODE_LINK else Kind.FILE
    toolchain = toolchain_detect(tops)
    lockfile = LOCKFILES[toolchain] if toolchain else ""
    git = seen.git.get(top)
    index, problems = _git_problems(seen, git, top)
    problems = [
        *toolchain_problems(toolchain, tops, [path[cut:] for path in seen.lock_sha256 if "/" in path[cut:]]),
        *output_problems(toolchain, files, tops, index),
        *problems,
    ]
    if index is not None:
        problems += index_problems(files, modes_known, index)
    problems += case_problems(files)
    problems += size_problems(packed_bytes)
    origin = git.origin_url() if git else ""
    unknown_tree = git is not None and (git.is_sha256() or any(problem.code == "source.git-index" for problem in problems))
    return SourceReport(
        kind=kind,
        top_folder=top,
        file_count=len(files),
        total_bytes=seen.total_bytes,
        packed_bytes=packed_bytes,
        toolchain=toolchain,
        lockfiles=tuple(name for name in LOCKFILES.values() if name in tops),
        has_git=git is not None,
        head_commit=git.head_commit() if git else "",
        origin_url="" if url_has_credentials(origin) else origin,
        git_tree="" if unknown_tree else _tree(files, modes_known, index),
        lockfile_sha256=seen.lock_sha256.get(f"{top}/{lockfile}" if top else lockfile, "") if lockfile else "",
        problems=tuple(problems),
    )


def _tree(files: dict[str, TreeEntry], modes_known: dict[str, bool], index: dict[str, IndexEntry] | None) -> str:
    """Where the archive holds no modes, the index's are taken, as git on Windows does; empty submodules come from it too."""
    entries = dict(files)
    for path, entry in (index or {}).items():
        if path in files and not modes_known[path] and entry.mode in (MODE_FILE, MODE_EXECUTABLE):
            entries[path] = TreeEntry(entry.mode, files[path].sha1)
        elif entry.mode == MODE_GITLINK and path not in files and not any(name.startswith(path + "/") for name in files):
            entries[path] = TreeEntry(MODE_GITLINK, entry.sha1)
    return tree_sha1(entries)


def _git_problems(seen: _Seen, git: GitFolder | None, top: str) -> tuple[dict[str, IndexEntry] | None, list[Problem]]:
    """Give the tracked files, where they are known, and what is wrong with `.git` itself."""
    problems: list[Problem] = []
    inner = seen.inner_git | {home for home in [*seen.git, *seen.git_files] if home != top}
    if inner:
        shown = tuple(name_shown(home.removeprefix(top + "/")) for home in sorted(inner)[:20])
        problems.append(
            Problem(
                "source.embedded-repository",
                "refuse",
                "The archive contains another git repository inside the project: its files are not covered by the project's commit.",
                "Remove it, or commit its files to the project itself. Submodules must be left empty.",
                shown,
            )
        )
    if git is None:
        if top in seen.git_files:
            problems.append(
                Problem(
                    "source.git-file",
                    "refuse",
                    "Here .git is only a pointer to a folder elsewhere, as in a worktree or a submodule: the commit is not in the archive.",
                    "Make a plain clone («git clone») and pack that.",
                    (".git",),
                )
            )
        else:
            problems.append(
                Problem(
                    "source.no-git",
                    "warn",
                    "The archive has no .git, so it names no commit, and stray files cannot be told apart. Most Kettle servers refuse it.",
                    "Pack a git clone, .git included, or submit the repository's URL.",
                )
            )
        return None, problems
    for name, secret in git.secrets():
        problems.append(
            Problem(
                "source.credentials",
                "refuse",
                f".git/{name_shown(name)} holds {secret}. It would be sent to the builder and could be published with the proof.",
                "Remove it and replace the password or token: take it as known to others.",
                (f".git/{name_shown(name)}",),
            )
        )
    return _index(git, problems), problems


def _index(git: GitFolder, problems: list[Problem]) -> dict[str, IndexEntry] | None:
    if not git.head_commit():
        problems.append(
            Problem(
                "source.no-head", "warn", "The commit of .git/HEAD cannot be established.", "Commit the project, then pack a fresh clone."
            )
        )
    if "objects/info/alternates" in git.files:
        problems.append(
            Problem(
                "source.alternates",
                "refuse",
                "The repository borrows objects from another folder, which is not in the archive.",
                "Clone without --shared or --reference.",
            )
        )
    if git.is_sha256():
        problems.append(
            Problem("source.sha256-objects", "warn", "The repository names objects by SHA-256: its tree cannot be compared here.", "")
        )
        return None
    try:
        index = git.index()
    except GitDataError as error:
        problems.append(Problem("source.git-index", "warn", f"Which files git tracks cannot be established. {error}", CLEAN))
        return None
    if index is None:
        problems.append(
            Problem("source.no-index", "warn", "The archive has no .git/index: files that git does not track cannot be told apart.", CLEAN)
        )
    return index


def source_unpack(path: Path, into: Path, *, limits: Limits = SOURCE_LIMITS) -> Path:
    """Unpack into the empty folder `into` and give the project's folder: the single top-level one, or `into` itself.

    Raises `ArchiveError` (what was written stays: throw `into` away), `OSError` for a full disk.
    """
    top = archive_unpack(path, into, limits).top_folder
    return into / top if top else into
