"""The bundled sample, as git and as its archive."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from kettle_web.archives.source import source_inspect
from kettle_web.builder.sample import (
    NODE,
    RUST,
    SAMPLE_NAME,
    SAMPLES,
    Sample,
    sample_archive,
    sample_files,
    sample_for_machine,
    sample_git_tree,
    sample_of_tree,
    sample_write,
)
from kettle_web.builder.toolchains import toolchains_found


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def unpacked(tmp_path: Path, sample: Sample = RUST) -> Path:
    with tarfile.open(fileobj=io.BytesIO(sample_archive(sample))) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / sample.name


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_archive_is_a_clean_repository_of_one_commit(sample: Sample, tmp_path: Path) -> None:
    folder = unpacked(tmp_path, sample)
    assert git(folder, "rev-list", "--count", "HEAD") == "1"
    assert git(folder, "rev-parse", "HEAD^{tree}") == sample_git_tree(sample)
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


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_pre_flight_finds_nothing_wrong_with_it(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "sample.tar.gz").write_bytes(sample_archive(sample))
    report = source_inspect(tmp_path / "sample.tar.gz")
    assert report.problems == ()
    assert (report.toolchain, report.git_tree, report.top_folder) == (sample.toolchain, sample_git_tree(sample), sample.name)


def test_the_rust_sample_goes_first_and_the_other_stands_in_for_it() -> None:
    assert sample_for_machine({"cargo": "/a", "nix": None, "pnpm": "/b"}) == RUST
    assert sample_for_machine({"cargo": None, "nix": None, "pnpm": "/b"}) == NODE
    assert sample_for_machine({"cargo": None, "nix": "/c", "pnpm": None}) == RUST
    assert sample_for_machine() == sample_for_machine(toolchains_found())
    assert RUST.name == SAMPLE_NAME


def test_samples_are_known_by_their_trees() -> None:
    assert [sample_of_tree(sample_git_tree(sample)) for sample in SAMPLES] == [RUST, NODE]
    assert sample_of_tree("0" * 40) is None


def test_it_has_a_lockfile_without_anything_from_outside() -> None:
    lock = sample_files()["Cargo.lock"].decode()
    assert "source =" not in lock
    assert not any(name.startswith("target/") for name in sample_files())
