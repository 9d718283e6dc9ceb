"""Stored files as downloads."""

from pathlib import Path
from typing import BinaryIO

import pytest
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import RequestFactory

from kettle_web.core import blobs, downloads
from kettle_web.core.blobs import blob_open, blob_write_bytes
from kettle_web.core.downloads import download_response, file_name
from kettle_web.core.errors import BlobCorrupt, BlobMissing

DATA = bytes(range(256)) * 3000


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is tested here is reading; these tests store their files without a database.
    monkeypatch.setattr(blobs, "_hold", lambda sha256_hex: None)
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "files"},
        },
    }


async def body(response: HttpResponseBase) -> bytes:
    assert isinstance(response, StreamingHttpResponse)
    return b"".join([chunk async for chunk in response])


def ask(**headers: str):
    return RequestFactory().get("/", headers=headers)


async def test_whole_file_as_a_safe_attachment() -> None:
    blob = blobs.blob_write_bytes(DATA)
    response = download_response(blob.sha256_hex, "naïve\r\nfile.txt")
    assert await body(response) == DATA
    assert response["Content-Length"] == str(len(DATA))
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox")
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''na%C3%AFve")
    assert response["ETag"] == f'"{blob.sha256_hex}"'


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=767990-", 767_990, 767_999),
        ("bytes=-5", 767_995, 767_999),
        ("bytes=0-99999999", 0, 767_999),
    ],
)
async def test_part_of_a_file(header: str, first: int, last: int) -> None:
    blob = blobs.blob_write_bytes(DATA)
    response = download_response(blob.sha256_hex, "a", request=ask(range=header))
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"
    assert await body(response) == DATA[first : last + 1]


@pytest.mark.parametrize("header", ["bytes=768000-", "bytes=-0"])
def test_part_beyond_the_end_is_416(header: str) -> None:
    blob = blobs.blob_write_bytes(DATA)
    response = download_response(blob.sha256_hex, "a", request=ask(range=header))
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(DATA)}")


@pytest.mark.parametrize("header", ["bytes=0-1,4-5", "lines=1-2", "bytes=-", "bytes=9-3"])
async def test_range_that_is_not_understood_gives_the_whole(header: str) -> None:
    blob = blobs.blob_write_bytes(DATA)
    response = download_response(blob.sha256_hex, "a", request=ask(range=header))
    assert response.status_code == 200
    assert await body(response) == DATA


def test_known_file_is_304() -> None:
    blob = blobs.blob_write_bytes(DATA)
    request = ask(**{"if-none-match": f'"{blob.sha256_hex}"'})
    assert download_response(blob.sha256_hex, "a", request=request).status_code == 304


async def _read_into(received: list[bytes], response: StreamingHttpResponse) -> None:
    async for chunk in response:
        received.append(chunk)


async def test_changed_file_never_arrives_whole(tmp_path: Path) -> None:
    blob = blobs.blob_write_bytes(DATA)
    path = tmp_path / "files" / blobs.blob_name(blob.sha256_hex)
    path.write_bytes(DATA[:-1] + b"!")
    response = download_response(blob.sha256_hex, "a")
    assert isinstance(response, StreamingHttpResponse)
    received: list[bytes] = []
    with pytest.raises(BlobCorrupt):
        await _read_into(received, response)
    assert len(b"".join(received)) < len(DATA)
    with pytest.raises(BlobCorrupt):
        download_response(blob.sha256_hex, "a", request=ask(range="bytes=0-1"))


async def test_empty_file() -> None:
    blob = blobs.blob_write_bytes(b"")
    assert await body(download_response(blob.sha256_hex, "a")) == b""


def test_missing_file_raises() -> None:
    with pytest.raises(BlobMissing):
        download_response("0" * 64, "a")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../x", "x"), ("a\\b", "b"), ("", "file"), ("..", "file"), ("a\u202etxt", "a⟨U+202E⟩txt"), ("a\nb", "a⟨U+000A⟩b")],
)
def test_name_of_a_download_cannot_steer(name: str, shown: str) -> None:
    assert file_name(name) == shown


@pytest.mark.django_db
def test_answer_that_nobody_reads_closes_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def noted(sha256_hex: str) -> BinaryIO:
        opened.append(blob_open(sha256_hex))
        return opened[-1]

    monkeypatch.setattr(downloads, "blob_open", noted)
    download_response(blob_write_bytes(b"hello").sha256_hex, "hello").close()
    assert [file.closed for file in opened] == [True]
