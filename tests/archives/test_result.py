"""Result tarballs: what is taken out, and what is refused."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.result import result_unpack
from tests.archives.making import member, tar_gz, zip_bytes

Members = list[tuple[tarfile.TarInfo, bytes]]


def good() -> Members:
    return [
        member("app/", type=tarfile.DIRTYPE),
        member("app/artifacts/app", b"\x7fELF", mode=0o755),
        member("app/artifacts/sub/other", b"22"),
        member("app/provenance.json", b"{}"),
        member("app/evidence.json", b"{}"),
    ]


def test_result_is_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(tar_gz([*good(), member("app/build.log", b"x")]))
    tree = result_unpack(tmp_path / "r", tmp_path / "into")
    folder = tmp_path / "into" / "app"
    assert tree.project == "app"
    assert (tree.provenance_path, tree.evidence_path) == (folder / "provenance.json", folder / "evidence.json")
    assert tree.artifacts == (("app", folder / "artifacts/app", 4), ("sub/other", folder / "artifacts/sub/other", 2))
    assert tree.extras == ("build.log",)


@pytest.mark.parametrize(("left_out", "field"), [("app/evidence.json", "evidence_path"), ("app/provenance.json", "provenance_path")])
def test_missing_document_is_none(left_out: str, field: str, tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(tar_gz([row for row in good() if row[0].name != left_out]))
    assert getattr(result_unpack(tmp_path / "r", tmp_path / "into"), field) is None


REJECTED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a ZIP": (lambda: zip_bytes({"app/provenance.json": b"{}"}), "result.not-tar-gz"),
    "not an archive": (lambda: b"<html>", "archive.unknown-format"),
    "no documents": (lambda: tar_gz([member("app/artifacts/x")]), "result.no-documents"),
    "two folders": (lambda: tar_gz([*good(), member("more/x")]), "result.layout"),
    "no folder": (lambda: tar_gz([member("provenance.json")]), "result.layout"),
    "artifacts is a file": (lambda: tar_gz([member("app/provenance.json"), member("app/artifacts")]), "result.layout"),
    "provenance is a folder": (lambda: tar_gz([member("app/provenance.json/", type=tarfile.DIRTYPE)]), "result.layout"),
    "provenance too large": (lambda: tar_gz([member("app/provenance.json", b" " * (16 * 1024**2 + 1))]), "result.document-too-large"),
    "evidence too large": (lambda: tar_gz([member("app/evidence.json", b" " * (10 * 1024**2 + 1))]), "result.document-too-large"),
    "link": (lambda: tar_gz([*good(), member("app/artifacts/l", type=tarfile.SYMTYPE, link="app")]), "result.symlink"),
    "link for a document": (lambda: tar_gz([member("app/provenance.json", type=tarfile.SYMTYPE, link="x")]), "result.symlink"),
    "hard link": (lambda: tar_gz([*good(), member("app/h", type=tarfile.LNKTYPE, link="app/evidence.json")]), "archive.hardlink"),
    "traversal": (lambda: tar_gz([*good(), member("app/../../x")]), "archive.name-traversal"),
    "cut off": (lambda: tar_gz(good())[:-20], "archive.truncated"),
    "pipe": (lambda: tar_gz([*good(), member("app/p", type=tarfile.FIFOTYPE)]), "archive.device"),
    "names that differ in case": (lambda: tar_gz([*good(), member("app/artifacts/APP")]), "archive.duplicate-name"),
    "second provenance": (lambda: tar_gz([*good(), member("app/provenance.json")]), "archive.duplicate-name"),
    "bomb": (lambda: tar_gz([*good(), member("app/artifacts/zeros", b"\0" * 70_000_000)]), "archive.bomb"),
    "too many artifacts": (
        lambda: tar_gz([*good(), *(member(f"app/artifacts/{n}") for n in range(1024))]),
        "result.too-many-artifacts",
    ),
}


@pytest.mark.parametrize(("data", "code"), REJECTED.values(), ids=REJECTED)
def test_hostile_result_is_refused_with_its_code(data: Callable[[], bytes], code: str, tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(data())
    with pytest.raises(ArchiveError) as caught:
        result_unpack(tmp_path / "r", tmp_path / "into")
    assert caught.value.code == code
    assert {path.name for path in tmp_path.iterdir()} <= {"r", "into"}
