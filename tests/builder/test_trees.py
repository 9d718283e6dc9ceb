"""Folders deeper than a path may be long: measured, refused, removed."""

import os
from pathlib import Path

import pytest

from kettle_web.builder.errors import LimitExceeded
from kettle_web.builder.trees import MAX_DEPTH, disk_used, tree_remove


def nest(folder: Path, depth: int, name: str = "a-folder-of-some-length") -> None:
    """Make folders below each other, each with a file, with no path in use; the deepest is closed to everyone."""
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=below))
        os.close(here)
        here = below
    os.fchmod(here, 0)
    os.close(here)


def test_folders_too_deep_to_measure_are_refused(tmp_path: Path) -> None:
    nest(tmp_path / "deep", MAX_DEPTH + 1, "d")
    with pytest.raises(LimitExceeded, match="nested folders"):
        disk_used(tmp_path / "deep")
    nest(tmp_path / "long", 30, "d" * 200)
    with pytest.raises(LimitExceeded, match="cannot be looked into"):
        disk_used(tmp_path / "long")
    nest(tmp_path / "bearable", 20)
    assert disk_used(tmp_path / "bearable") > 0
    for name in ("deep", "long"):
        tree_remove(tmp_path / name)


def test_folders_of_any_depth_are_removed(tmp_path: Path) -> None:
    nest(tmp_path / "deep", 1200)
    tree_remove(tmp_path / "deep")
    assert not list(tmp_path.iterdir())


def test_links_are_removed_and_never_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o750)
    (kept / "file").touch()
    (tmp_path / "work" / "1" / "2").mkdir(parents=True)
    (tmp_path / "work" / "link").symlink_to(kept)
    (tmp_path / "work" / "1" / "link").symlink_to(kept / "file")
    (tmp_path / "work" / "1" / "2").chmod(0)
    (tmp_path / "work" / "1").chmod(0)
    tree_remove(tmp_path / "work")
    (tmp_path / "work").symlink_to(kept)
    tree_remove(tmp_path / "work")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert kept.stat().st_mode & 0o777 == 0o750
    assert (kept / "file").exists()


def test_a_removal_that_was_interrupted_is_finished(tmp_path: Path) -> None:
    (tmp_path / "work.gone" / "7" / "inner" / "file").mkdir(parents=True)
    (tmp_path / "work.gone" / "8" / "inner").mkdir(parents=True)
    tree_remove(tmp_path / "work")
    assert not list(tmp_path.iterdir())
