from __future__ import annotations

import io
import os
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from kettle_web.verification.artifacts import FolderArtifacts, NoArtifacts, file_open_regular
from kettle_web.verification.checks.files import CHUNK
from kettle_web.verification.report import Outcome, Verdict
from tests.provenance.samples import changed
from tests.verification.bundles import FILE, Files, document_make, outcome_of, report_make


def test_every_copy_must_match() -> None:
    assert outcome_of(report_make(artifacts=Files(("hello", FILE), ("hello", FILE))), "artifacts.digests") == ("pass", "")
    report = report_make(artifacts=Files(("hello", FILE), ("hello", b"another")))
    assert outcome_of(report, "artifacts.digests") == ("fail", "artifacts.differ")


def test_a_file_that_is_not_listed_changes_nothing() -> None:
    report = report_make(artifacts=Files(("hello", FILE), ("other\n", b"x")))
    assert report.now.verdict is Verdict.CONFIRMED
    assert [item.name for item in report.artifacts] == ["hello"]
    assert "Not covered: 1 further files that the provenance does not name (other\\u{a})." in [item.text for item in report.not_checked]


def test_missing_bytes_could_not_be_checked() -> None:
    report = report_make(artifacts=Files(("Hello", FILE)))
    assert outcome_of(report, "artifacts.digests") == ("error", "artifacts.missing")
    assert (report.artifacts[0].outcome, report.artifacts[0].reason) == (Outcome.ERROR, "its bytes are missing")
    assert report.artifacts[0].size is None


def test_a_source_that_breaks_is_an_error_and_never_a_pass() -> None:
    class Broken:
        def names(self) -> Iterable[str]:
            return ["hello"]

        def open(self, name: str) -> BinaryIO:
            raise OSError(5, "gone")

    report = report_make(artifacts=Broken())
    assert outcome_of(report, "artifacts.digests") == ("error", "artifacts.unreadable")
    assert report.now.verdict is Verdict.INCOMPLETE

    class NoList(Broken):
        def names(self) -> Iterable[str]:
            raise RuntimeError("no list")

    report = report_make(artifacts=NoList())
    assert outcome_of(report, "artifacts.digests") == ("error", "unexpected")
    assert report.now.verdict is Verdict.INCOMPLETE


def test_the_size_of_what_was_read_is_kept() -> None:
    assert report_make().artifacts[0].size == len(FILE)


def test_a_large_file_is_read_in_constant_memory() -> None:
    class Zeros(io.RawIOBase):
        left = 64 * CHUNK

        def read(self, size: int = -1) -> bytes:
            take = min(size, self.left)
            self.left -= take
            return bytes(take)

    class Large:
        def names(self) -> Iterable[str]:
            return ["hello"]

        def open(self, name: str) -> Any:
            return Zeros()

    tracemalloc.start()
    try:
        report = report_make(artifacts=Large())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.artifacts[0].size == 64 * CHUNK
    assert peak < 8 * CHUNK


def test_many_missing_files_are_named_in_short() -> None:
    document = document_make()
    subject = document["subject"][0]
    many = changed(document, "subject", [{**subject, "name": f"f{number}"} for number in range(7)])
    assert "f0, f1, f2, f3, f4 and 2 more are missing" in report_make(many).now.headline.text


def test_a_folder_gives_regular_files_beside_the_documents_and_in_artifacts(tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "sub").mkdir()
    (tmp_path / "provenance.json").write_bytes(b"{}")
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "artifacts" / "a").write_bytes(b"2")
    (tmp_path / "artifacts" / "link").symlink_to(tmp_path / "a")
    (tmp_path / "artifacts" / "sub" / "b").write_bytes(b"3")
    os.mkfifo(tmp_path / "pipe")
    source = FolderArtifacts(tmp_path)
    assert list(source.names()) == ["a"]
    found = []
    for stream in source.open_copies("a"):
        with stream:
            found.append(stream.read())
    assert sorted(found) == [b"1", b"2"]


def test_a_linked_artifacts_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a").write_bytes(b"1")
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "artifacts").symlink_to(tmp_path / "other")
    assert list(FolderArtifacts(bundle).names()) == []


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_only_regular_files_are_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    if kind == "link":
        (tmp_path / "y").write_bytes(b"")
        path.symlink_to(tmp_path / "y")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - which one differs by system.
        file_open_regular(path)


def test_a_link_that_the_reader_named_is_followed_to_a_regular_file_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    os.mkfifo(tmp_path / "pipe")
    for name in ("file", "pipe"):
        (tmp_path / f"to-{name}").symlink_to(name)
    with file_open_regular(tmp_path / "to-file", follow=True) as stream:
        assert stream.read() == b"content"
    with pytest.raises(OSError, match="not a regular file"):
        file_open_regular(tmp_path / "to-pipe", follow=True)


def test_no_artifacts_has_none() -> None:
    assert list(NoArtifacts().names()) == []
    with pytest.raises(FileNotFoundError):
        NoArtifacts().open("x")
