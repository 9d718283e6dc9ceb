"""Repositories written by our own code, read by git itself."""

import subprocess
from pathlib import Path

from kettle_web.archives.gittree import tree_of_folder
from kettle_web.builder.gitrepo import folder_commit


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a").mkdir()
    (folder / "a" / "b.txt").write_text("b")
    (folder / "a.txt").write_text("sorted before the folder, by git's rule")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("a/b.txt")
    (folder / "ünï").write_bytes(b"\0" * 3_000_000)
    (folder / "empty").mkdir()
    return folder


def test_git_finds_the_made_commit_whole_and_the_folder_clean(tmp_path: Path) -> None:
    folder = project(tmp_path / "one")
    made = folder_commit(folder, message="All of it.")
    assert git(folder, "rev-parse", "HEAD") == made.commit
    assert git(folder, "rev-parse", "HEAD^{tree}") == made.tree
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "fsck", "--strict") == ""
    assert len(git(folder, "ls-files").splitlines()) == 5


def test_git_itself_makes_the_same_tree(tmp_path: Path) -> None:
    folder = project(tmp_path / "one")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    expected = git(folder, "write-tree")
    other = project(tmp_path / "two")
    assert tree_of_folder(other) == expected
    assert folder_commit(other, message="x").tree == expected


def test_equal_files_give_the_equal_commit(tmp_path: Path) -> None:
    one, two = project(tmp_path / "one"), project(tmp_path / "two")
    assert folder_commit(one, message="x").commit == folder_commit(two, message="x").commit
