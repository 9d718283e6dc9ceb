"""The bundled sample, as git and as its archive."""

import io
import subprocess
import tarfile
from pathlib import Path

from kettle_web.archives.source import source_inspect
from kettle_web.builder.sample import SAMPLE_NAME, sample_archive, sample_files, sample_git_tree, sample_write


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def unpacked(tmp_path: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(sample_archive())) as archive:
        # Python has filters since 3.11.4; before that it knows no such argument.
        archive.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return tmp_path / SAMPLE_NAME


def test_the_archive_is_a_clean_repository_of_one_commit(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    assert git(folder, "rev-list", "--count", "HEAD") == "1"
    assert git(folder, "rev-parse", "HEAD^{tree}") == sample_git_tree()
    assert git(folder, "status", "--porcelain", "--ignored") == ""
    assert git(folder, "fsck", "--strict") == ""
    assert git(folder, "remote") == ""


def test_the_archive_has_the_same_bytes_every_time() -> None:
    first = sample_archive()
    sample_archive.cache_clear()
    assert sample_archive() == first


def test_the_written_folder_equals_the_archive(tmp_path: Path) -> None:
    folder = tmp_path / "written"
    folder.mkdir()
    sample_write(folder)
    (tmp_path / "two").mkdir()
    other = unpacked(tmp_path / "two")
    files = sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    assert [(folder / name).read_bytes() for name in files] == [(other / name).read_bytes() for name in files]


def test_pre_flight_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "sample.tar.gz").write_bytes(sample_archive())
    report = source_inspect(tmp_path / "sample.tar.gz")
    assert report.problems == ()
    assert (report.toolchain, report.git_tree, report.top_folder) == ("cargo", sample_git_tree(), SAMPLE_NAME)


def test_it_has_a_lockfile_without_anything_from_outside() -> None:
    lock = sample_files()["Cargo.lock"].decode()
    assert "source =" not in lock
    assert not any(name.startswith("target/") for name in sample_files())
