"""The computed tree equals git's own."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.gitobjects import MODE_FILE, TreeEntry, blob_sha1, tree_sha1
from kettle_web.archives.gittree import tree_of_folder
from tests.archives.making import files_write, git

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Known to every git."""

_names = st.text(st.characters(codec="utf-8", exclude_characters="/\0\\", exclude_categories=("Cc", "Cs")), min_size=1, max_size=6).filter(
    lambda name: name not in (".", "..") and not name.lower().startswith(".git") and len(name.encode()) < 200
)


def written_tree(folder: Path) -> str:
    git(folder, "init", "-q")
    git(folder, "-c", "core.autocrlf=false", "add", "--all", "--force")
    return git(folder, "write-tree")


def test_empty_folder_gives_the_empty_tree(tmp_path: Path) -> None:
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    assert tree_of_folder(tmp_path) == EMPTY_TREE


def test_modes_links_and_order_match_git(tmp_path: Path) -> None:
    files_write(tmp_path, {"a.b": b"1", "a/c": b"2", "a-b": b"3", "a0": b"", "deep/er/file": b"x\n" * 70_000, "ü/ß": b"\xff"})
    (tmp_path / "a0").chmod(0o755)
    (tmp_path / "link").symlink_to("a/c")
    (tmp_path / "dangling").symlink_to("nowhere/at all")
    assert tree_of_folder(tmp_path) == written_tree(tmp_path)


def test_git_folder_is_not_part_of_its_tree(tmp_path: Path) -> None:
    files_write(tmp_path, {"a": b"1"})
    before = tree_of_folder(tmp_path)
    git(tmp_path, "init", "-q")
    assert tree_of_folder(tmp_path) == before


def test_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError) as caught:
        tree_of_folder(tmp_path)
    assert caught.value.code == "archive.device"


def test_path_through_a_file_is_an_error() -> None:
    entry = TreeEntry(MODE_FILE, blob_sha1(0, ()))
    with pytest.raises(ValueError, match="through a file"):
        tree_sha1({"a": entry, "a/b": entry})


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.lists(_names, min_size=1, max_size=3).map("/".join), st.binary(max_size=40), max_size=8))
def test_any_tree_matches_git(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("tree")
    for name, data in files.items():
        place = folder / name
        if any(parent.is_file() for parent in place.parents) or place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    assert tree_of_folder(folder) == written_tree(folder)
