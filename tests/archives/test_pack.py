"""Packing folders."""

import os
from pathlib import Path

import pytest

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.pack import folder_pack
from kettle_web.archives.source import source_inspect
from tests.archives.making import git, repository_make


def test_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    repository = repository_make(tmp_path / "project")
    folder_pack(repository, tmp_path / "one")
    for path in repository.rglob("*"):
        os.utime(path, (1, 1))
    folder_pack(repository, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_packed_repository_passes_preflight(tmp_path: Path) -> None:
    repository = repository_make(tmp_path / "project")
    (repository / "src/main.rs").chmod(0o755)
    (repository / "link").symlink_to("src/main.rs")
    os.link(repository / "Cargo.toml", repository / "hard")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "second")
    folder_pack(repository, tmp_path / "packed")
    report = source_inspect(tmp_path / "packed")
    assert report.problems == ()
    assert report.git_tree == git(repository, "rev-parse", "HEAD^{tree}")


def test_what_is_left_out_is_left_out(tmp_path: Path) -> None:
    repository = repository_make(tmp_path / "project")
    (repository / "target/debug").mkdir(parents=True)
    folder_pack(repository, tmp_path / "packed", leave_out=("target",))
    assert source_inspect(tmp_path / "packed").problems == ()


def test_pipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    os.mkfifo(tmp_path / "p" / "pipe")
    with pytest.raises(ArchiveError) as caught:
        folder_pack(tmp_path / "p", tmp_path / "packed")
    assert caught.value.code == "archive.device"
