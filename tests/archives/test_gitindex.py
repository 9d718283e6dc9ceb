"""The index reader: damage raises only its error."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.archives.gitindex import GitDataError, index_parse
from tests.archives.making import CARGO, git, repository_make


@pytest.fixture(scope="module", params=[2, 4])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    repository = repository_make(tmp_path_factory.mktemp("repository"), CARGO)
    git(repository, "update-index", f"--index-version={request.param}")
    return (repository / ".git/index").read_bytes()


def signed(body: bytes) -> bytes:
    return body + hashlib.sha1(body).digest()


def test_entries_are_those_of_git(tmp_path: Path) -> None:
    repository = repository_make(tmp_path, {**CARGO, "ü": b"1"})
    listed = {}
    for row in git(repository, "ls-files", "-s", "-z").split("\0")[:-1]:
        attributes, path = row.split("\t")
        mode, sha1, _ = attributes.split(" ")
        listed[path] = (int(mode, 8), sha1)
    parsed = index_parse((repository / ".git/index").read_bytes())
    assert {path: (entry.mode, entry.sha1.hex()) for path, entry in parsed.items()} == listed


def test_index_without_checksum_is_read(index: bytes) -> None:
    assert index_parse(index[:-20] + bytes(20)) == index_parse(index)


def test_every_prefix_is_refused(index: bytes) -> None:
    for length in range(len(index)):
        with pytest.raises(GitDataError):
            index_parse(index[:length])


def test_wrong_checksum_is_refused(index: bytes) -> None:
    with pytest.raises(GitDataError, match="checksum"):
        index_parse(index[:-1] + bytes([index[-1] ^ 1]))


def test_unknown_version_is_refused(index: bytes) -> None:
    with pytest.raises(GitDataError, match="Version 5"):
        index_parse(signed(index[:7] + b"\x05" + index[8:-20]))


def test_merge_in_progress_is_refused(tmp_path: Path) -> None:
    repository = repository_make(tmp_path)
    blob = git(repository, "rev-parse", "HEAD:Cargo.toml")
    rows = "".join(f"100644 {blob} {stage}\tboth\n" for stage in (1, 2, 3))
    subprocess.run(["git", "-C", str(repository), "update-index", "--index-info"], input=rows, text=True, check=True)
    with pytest.raises(GitDataError, match="merge"):
        index_parse((repository / ".git/index").read_bytes())


def test_split_index_is_refused(tmp_path: Path) -> None:
    repository = repository_make(tmp_path)
    git(repository, "update-index", "--split-index")
    with pytest.raises(GitDataError, match="split"):
        index_parse((repository / ".git/index").read_bytes())


@given(st.data())
def test_any_change_raises_only_its_error(index: bytes, data: st.DataObject) -> None:
    damaged = bytearray(index[:-20])
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(4, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        index_parse(signed(bytes(damaged)))
    except GitDataError:
        return
