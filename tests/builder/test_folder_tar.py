"""A folder that a hostile build made, packed."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from kettle_web.builder.drivers import folder_tar as module
from kettle_web.builder.drivers.folder_tar import folder_tar
from kettle_web.builder.errors import BuildFailed, LimitExceeded


def packed(parent: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(mode="w", fileobj=out, format=tarfile.PAX_FORMAT) as archive:
        folder_tar(parent, "dist", archive)
    return out.getvalue()


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for number, names in ((1, "ab"), (2, "ba")):
        for name in names:
            (tmp_path / f"{number}" / "dist" / name).mkdir(parents=True)
            (tmp_path / f"{number}" / "dist" / name / "file").write_text(name)
            os.utime(tmp_path / f"{number}" / "dist" / name / "file", (number, number))
    assert packed(tmp_path / "1") == packed(tmp_path / "2")


def test_files_full_of_holes_are_not_packed_for_hours(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    with (tmp_path / "dist" / "holes").open("wb") as file:
        file.truncate(module.MAX_BYTES + 1)
    with pytest.raises(LimitExceeded, match="larger than"):
        packed(tmp_path)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "a/../../.."])
def test_links_that_lead_out_are_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "link").symlink_to(target)
    with pytest.raises(BuildFailed, match="leads out"):
        packed(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    os.mkfifo(tmp_path / "dist" / "pipe")
    with pytest.raises(BuildFailed, match="neither a file"):
        packed(tmp_path)


def test_a_build_that_made_no_folder_failed(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="made no folder dist"):
        packed(tmp_path)
