"""Pre-flight of source archives made with real git."""

import io
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kettle_web.archives.gittree import tree_of_folder
from kettle_web.archives.source import SourceReport, source_inspect, source_unpack
from tests.archives.making import CARGO, files_write, folder_tar, git, member, repository_make, tar_gz, zip_bytes


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return repository_make(tmp_path / "project")


@pytest.fixture
def inspect(tmp_path: Path) -> Callable[[bytes], SourceReport]:
    def run(data: bytes) -> SourceReport:
        (tmp_path / "archive").write_bytes(data)
        return source_inspect(tmp_path / "archive")

    return run


Inspect = Callable[[bytes], SourceReport]


def codes(report: SourceReport) -> dict[str, str]:
    return {problem.code: problem.severity for problem in report.problems}


def test_clean_clone_has_no_problems(repository: Path, inspect: Inspect) -> None:
    report = inspect(folder_tar(repository))
    assert codes(report) == {}
    assert not report.is_refused
    assert (report.kind, report.top_folder, report.toolchain, report.lockfiles) == ("tar.gz", "project", "cargo", ("Cargo.lock",))
    assert report.head_commit == git(repository, "rev-parse", "HEAD")
    assert report.git_tree == git(repository, "rev-parse", "HEAD^{tree}")
    assert report.origin_url == "https://example.org/p.git"
    assert report.file_count == len(CARGO)
    assert len(report.lockfile_sha256) == 64


def test_zip_at_the_root_gives_the_same(repository: Path, inspect: Inspect, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "z"), "zip", repository)
    report = inspect((tmp_path / "z.zip").read_bytes())
    assert (report.kind, report.top_folder) == ("zip", "")
    assert report.git_tree == git(repository, "rev-parse", "HEAD^{tree}")
    assert codes(report) == {}


def test_zip_without_modes_takes_them_from_the_index(tmp_path: Path, inspect: Inspect) -> None:
    repository = repository_make(tmp_path / "p", {**CARGO, "run.sh": b"#!/bin/sh\n"})
    git(repository, "update-index", "--chmod=+x", "run.sh")
    git(repository, "commit", "-q", "-m", "executable")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(repository.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(path.relative_to(repository).as_posix())
                info.create_system = 0
                archive.writestr(info, path.read_bytes())
    report = inspect(buffer.getvalue())
    assert codes(report) == {}
    assert report.git_tree == git(repository, "rev-parse", "HEAD^{tree}")


def test_packed_refs_and_packs_are_read(repository: Path, inspect: Inspect) -> None:
    git(repository, "gc", "-q")
    assert not (repository / ".git/refs/heads/main").exists()
    assert inspect(folder_tar(repository)).head_commit == git(repository, "rev-parse", "HEAD")


def test_detached_head_is_read(repository: Path, inspect: Inspect) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert inspect(folder_tar(repository)).head_commit == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("version", [2, 3, 4])
def test_every_index_version_is_read(version: int, tmp_path: Path, inspect: Inspect) -> None:
    files = {**CARGO, **{f"src/long/folder/name{n:03}.rs": b"%d" % n for n in range(50)}, "a" * 200: b"", "unicode/ü": b"1"}
    repository = repository_make(tmp_path / "p", files)
    if version == 3:
        (repository / "later").write_bytes(b"1")
        git(repository, "add", "--intent-to-add", "later")
        (repository / "later").unlink()
    else:
        git(repository, "update-index", f"--index-version={version}")
    assert (repository / ".git/index").read_bytes()[7] == version
    report = inspect(folder_tar(repository))
    assert codes(report) == ({"source.modified": "warn"} if version == 3 else {})
    assert report.git_tree == git(repository, "rev-parse", "HEAD^{tree}")


CHANGES: dict[str, tuple[Callable[[Path], object], dict[str, str]]] = {
    "untracked file": (lambda p: (p / "notes.txt").write_text("x"), {"source.untracked": "refuse"}),
    "ignored file": (lambda p: files_write(p, {".git/info/exclude": b"*.log\n", "x.log": b"1"}), {"source.untracked": "refuse"}),
    "cargo's outputs": (lambda p: files_write(p, {"target/release/evil": b"1"}), {"source.build-outputs": "refuse"}),
    "empty target": (lambda p: (p / "target").mkdir(), {"source.build-outputs": "refuse"}),
    "dist": (lambda p: files_write(p, {"dist/x": b"1"}), {"source.build-outputs": "refuse"}),
    "result link": (lambda p: (p / "result").symlink_to("src"), {"source.build-outputs": "refuse"}),
    "modules in a folder": (
        lambda p: files_write(p, {"web/node_modules/x": b"1"}),
        {"source.build-outputs": "refuse", "source.untracked": "refuse"},
    ),
    "changed file": (lambda p: (p / "src/main.rs").write_text("changed"), {"source.modified": "warn"}),
    "changed mode": (lambda p: (p / "src/main.rs").chmod(0o755), {"source.modified": "warn"}),
    "removed file": (lambda p: (p / "src/main.rs").unlink(), {"source.modified": "warn"}),
    "no index": (lambda p: (p / ".git/index").unlink(), {"source.no-index": "warn"}),
    "damaged index": (lambda p: (p / ".git/index").write_bytes(b"DIRC" + b"\0" * 40), {"source.git-index": "warn"}),
    "no lockfile": (
        lambda p: (p / "Cargo.lock").unlink(),
        {"source.no-lockfile": "refuse", "source.modified": "warn"},
    ),
    "no manifest": (
        lambda p: (p / "Cargo.toml").unlink(),
        {"source.no-manifest": "refuse", "source.modified": "warn"},
    ),
    "lockfile is a link": (
        lambda p: ((p / "Cargo.lock").unlink(), (p / "Cargo.lock").symlink_to("src/main.rs")),
        {"source.lockfile-link": "refuse", "source.modified": "warn"},
    ),
    "branch without commit": (lambda p: (p / ".git/HEAD").write_text("ref: refs/heads/none"), {"source.no-head": "warn"}),
    "head in a circle": (lambda p: (p / ".git/HEAD").write_text("ref: HEAD"), {"source.no-head": "warn"}),
    "borrowed objects": (lambda p: files_write(p, {".git/objects/info/alternates": b"/x\n"}), {"source.alternates": "refuse"}),
    "another repository inside": (
        lambda p: repository_make(p / "vendor/x", {"a": b"1"}),
        {"source.embedded-repository": "refuse", "source.untracked": "refuse"},
    ),
    "pointer instead of .git": (
        lambda p: (shutil.rmtree(p / ".git"), (p / ".git").write_text("gitdir: /elsewhere\n")),
        {"source.git-file": "refuse"},
    ),
    "no .git": (lambda p: shutil.rmtree(p / ".git"), {"source.no-git": "warn"}),
    "password in the origin": (
        lambda p: git(p, "remote", "set-url", "origin", "https://me:secret@example.org/p.git"),
        {"source.credentials": "refuse"},
    ),
    "token as user name": (
        lambda p: git(p, "remote", "add", "other", "https://ghp_token@example.org/p.git"),
        {"source.credentials": "refuse"},
    ),
    "password in a push URL": (
        lambda p: git(p, "remote", "set-url", "--push", "origin", "https://:secret@example.org/p.git"),
        {"source.credentials": "refuse"},
    ),
    "token in a header": (
        lambda p: git(p, "config", "http.https://example.org/.extraheader", "AUTHORIZATION: basic eA=="),
        {"source.credentials": "refuse"},
    ),
    "helper with a command": (lambda p: git(p, "config", "credential.helper", "!echo password=x"), {"source.credentials": "refuse"}),
    "password in insteadOf": (
        lambda p: git(p, "config", "url.https://me:secret@example.org/.insteadOf", "https://example.org/"),
        {"source.credentials": "refuse"},
    ),
    "stored passwords": (lambda p: files_write(p, {".git/credentials": b"x"}), {"source.credentials": "refuse"}),
    "names that differ in case": (
        lambda p: (files_write(p, {"README": b"1", "readme": b"2"}), git(p, "add", "-A"), git(p, "commit", "-q", "-m", "x")),
        {"source.case-collision": "warn"},
    ),
    "SSH origin": (lambda p: git(p, "remote", "set-url", "origin", "git@example.org:p.git"), {}),
    "plain credential helper": (lambda p: git(p, "config", "credential.helper", "store"), {}),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_one_change_gives_exactly_its_problems(
    change: Callable[[Path], object], expected: dict[str, str], repository: Path, inspect: Inspect
) -> None:
    change(repository)
    report = inspect(folder_tar(repository))
    assert codes(report) == expected
    assert all(problem.message for problem in report.problems)
    assert report.is_refused == ("refuse" in expected.values())


def test_secret_itself_is_never_shown(repository: Path, inspect: Inspect) -> None:
    git(repository, "remote", "set-url", "origin", "https://me:hunter2@example.org/p.git")
    report = inspect(folder_tar(repository))
    assert "hunter2" not in repr(report)
    assert report.origin_url == ""
    assert report.problems[0].paths == (".git/config",)


def test_empty_submodule_is_part_of_the_tree(tmp_path: Path, inspect: Inspect) -> None:
    repository = repository_make(tmp_path / "p")
    git(repository, "update-index", "--add", "--cacheinfo", "160000,1234567890123456789012345678901234567890,vendor/sub")
    git(repository, "commit", "-q", "-m", "submodule")
    (repository / "vendor/sub").mkdir(parents=True)
    report = inspect(folder_tar(repository))
    assert codes(report) == {}
    assert report.git_tree == git(repository, "rev-parse", "HEAD^{tree}")


def test_sha256_repository_says_that_its_tree_is_not_compared(tmp_path: Path, inspect: Inspect) -> None:
    repository = tmp_path / "p"
    repository.mkdir()
    git(repository, "init", "-q", "--object-format=sha256")
    files_write(repository, CARGO)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "x")
    report = inspect(folder_tar(repository))
    assert codes(report) == {"source.sha256-objects": "warn"}
    assert report.git_tree == ""
    assert report.head_commit == git(repository, "rev-parse", "HEAD")


FILES: dict[str, tuple[dict[str, bytes], str | None, set[str]]] = {
    "nix before cargo": ({**CARGO, "flake.nix": b"{}", "flake.lock": b"{}"}, "nix", set()),
    "cargo before pnpm": ({**CARGO, "package.json": b"{}", "pnpm-lock.yaml": b""}, "cargo", set()),
    "pnpm": ({"package.json": b"{}", "pnpm-lock.yaml": b""}, "pnpm", set()),
    "flake without lock": ({"flake.nix": b"{}"}, "nix", {"source.no-lockfile"}),
    "manifest without lock": ({"Cargo.toml": b""}, None, {"source.no-lockfile"}),
    "package without lock": ({"package.json": b""}, None, {"source.no-lockfile"}),
    "nothing to build": ({"README": b""}, None, {"source.no-toolchain"}),
    "lock in a folder below": ({"README": b"", "inner/Cargo.lock": b""}, None, {"source.no-toolchain"}),
    "pnpm's outputs": ({"package.json": b"{}", "pnpm-lock.yaml": b"", "dist/a": b""}, "pnpm", {"source.build-outputs"}),
}


@pytest.mark.parametrize(("files", "toolchain", "expected"), FILES.values(), ids=FILES)
def test_toolchain_is_detected_in_the_servers_order(
    files: dict[str, bytes], toolchain: str | None, expected: set[str], inspect: Inspect
) -> None:
    report = inspect(zip_bytes({f"p/{name}": data for name, data in files.items()}))
    assert report.toolchain == toolchain
    assert set(codes(report)) == expected | {"source.no-git"}


def test_tracked_output_of_another_toolchain_is_taken(tmp_path: Path, inspect: Inspect) -> None:
    assert codes(inspect(folder_tar(repository_make(tmp_path / "p", {**CARGO, "dist/page": b"1"})))) == {}


def test_tracked_output_of_its_own_toolchain_is_refused(tmp_path: Path, inspect: Inspect) -> None:
    assert codes(inspect(folder_tar(repository_make(tmp_path / "p", {**CARGO, "target/release/x": b"1"})))) == {
        "source.build-outputs": "refuse"
    }


def test_archive_over_the_stock_servers_limit_warns(inspect: Inspect) -> None:
    report = inspect(zip_bytes({**CARGO, "blob": random.Random(0).randbytes(1_600_000)}))
    assert codes(report)["source.size"] == "warn"


def test_two_top_level_entries_make_the_root_the_project(inspect: Inspect) -> None:
    report = inspect(tar_gz([member("a/Cargo.lock"), member("b")]))
    assert report.top_folder == ""
    assert report.problems[0].paths == ("a/Cargo.lock",)


_MEASURE = """
import resource, sys
from pathlib import Path
from kettle_web.archives.gittree import tree_of_folder
from kettle_web.archives.source import source_inspect, source_unpack
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source_inspect(Path(sys.argv[1]))
source_unpack(Path(sys.argv[1]), Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_memory_does_not_grow_with_the_archive(kind: str, tmp_path: Path) -> None:
    big = b"".join(random.Random(1).randbytes(1 << 20) for _ in range(60))
    data = tar_gz([member("p/big", big)]) if kind == "tar.gz" else zip_bytes({"p/big": big}, method=zipfile.ZIP_STORED)
    (tmp_path / "a").write_bytes(data)
    done = subprocess.run([sys.executable, "-c", _MEASURE, tmp_path / "a", tmp_path / "into"], check=True, capture_output=True, text=True)
    unit_bytes = 1024 if sys.platform == "linux" else 1
    assert int(done.stdout) * unit_bytes < 20 * 1024 * 1024
    assert (tmp_path / "into/p/big").stat().st_size == len(big)


def test_unpacked_project_has_the_tree_that_was_reported(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(folder_tar(repository))
    project = source_unpack(tmp_path / "a", tmp_path / "into")
    assert project == tmp_path / "into" / "project"
    assert tree_of_folder(project) == source_inspect(tmp_path / "a").git_tree
