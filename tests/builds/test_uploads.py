"""Chunked uploads: resumed, bounded, one after the other."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from kettle_web.builder.sample import sample_archive
from kettle_web.builds import uploads
from kettle_web.builds.models import Build, Endpoint, Upload
from kettle_web.builds.retention import uploads_prune
from kettle_web.builds.uploads import upload_path
from kettle_web.core import disk
from kettle_web.core.blobs import blob_read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(owner: User, endpoint: Endpoint) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def begin(client: Client, size: int, name: str = "a.tar.gz"):
    return client.post("/builds/uploads/", {"name": name, "size": size})


def put(client: Client, url: str, offset: object, data: bytes):
    return client.put(url, data, content_type="application/octet-stream", headers={"Upload-Offset": str(offset)})


def test_archive_goes_up_in_pieces_and_is_looked_into(client: Client) -> None:
    data = sample_archive()
    answer = begin(client, len(data), "C:\\x\\hello.tar.gz")
    assert answer.status_code == 201
    url = answer.json()["url"]
    for offset in range(0, len(data), 1000):
        answer = put(client, url, offset, data[offset : offset + 1000])
        assert (answer.status_code, answer.json()["received"]) == (200, min(offset + 1000, len(data)))
    done = answer.json()
    assert (done["complete"], done["sha256"]) == (True, hashlib.sha256(data).hexdigest())
    assert done["inspection"]["toolchain"] == "cargo"
    upload = Upload.objects.get()
    assert (upload.name, upload_path(upload).exists()) == ("hello.tar.gz", False)
    assert blob_read(upload.sha256, 10**7) == data
    client.post("/builds/new/", {"way": "upload", "upload": upload.uid})
    assert Build.objects.get().source_sha256 == upload.sha256


def test_piece_that_does_not_fit_is_told_where_to_continue(client: Client) -> None:
    url = begin(client, 100).json()["url"]
    assert put(client, url, 0, b"x" * 40).json()["received"] == 40
    for offset in (0, 39, 41):
        answer = put(client, url, offset, b"x" * 10)
        assert (answer.status_code, answer.json()["received"], answer["Upload-Offset"]) == (409, 40, "40")
    answer = client.get(url)
    assert (answer.json()["received"], answer.json()["complete"]) == (40, False)


def test_bytes_written_before_a_crash_are_written_again(client: Client) -> None:
    url = begin(client, 8).json()["url"]
    put(client, url, 0, b"1234")
    upload = Upload.objects.get()
    with upload_path(upload).open("ab") as file:
        file.write(b"half")
    put(client, url, 4, b"5678")
    upload.refresh_from_db()
    assert blob_read(upload.sha256, 10) == b"12345678"


@pytest.mark.parametrize("offset", ["", "-1", "x", "1e3", "9" * 30])
def test_offset_that_is_no_number_is_refused(client: Client, offset: str) -> None:
    assert put(client, begin(client, 10).json()["url"], offset, b"x").status_code == 400


def test_more_than_announced_is_refused(client: Client) -> None:
    answer = put(client, begin(client, 5).json()["url"], 0, b"123456")
    assert (answer.status_code, answer.json()["code"]) == (400, "upload-size")


def test_too_large_a_piece_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = put(client, begin(client, 10**8).json()["url"], 0, b"x" * (4 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "upload-chunk")


@pytest.mark.parametrize(("size", "status"), [(0, 400), (-1, 400), ("x", 400), (2**31, 413)])
def test_size_that_cannot_be_is_refused(client: Client, size: object, status: int, settings) -> None:
    settings.MAX_UPLOAD_BYTES = 2**30
    answer = client.post("/builds/uploads/", {"name": "a", "size": size})
    assert answer.status_code == status
    assert answer.json()["message"]


def test_full_disk_is_a_clear_sentence(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "HEADROOM_BYTES", 2**62)
    answer = begin(client, 10)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk-full")


def test_disk_that_fills_up_keeps_what_was_stored(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    url = begin(client, 100).json()["url"]
    put(client, url, 0, b"x" * 50)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(uploads.os, "fdatasync", full)
        answer = put(client, url, 50, b"x" * 10)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk-full")
    assert put(client, url, 50, b"x" * 10).json()["received"] == 60


def test_unfinished_uploads_of_one_person_are_bounded(client: Client) -> None:
    for _ in range(uploads.UNFINISHED_PER_USER):
        assert begin(client, 10).status_code == 201
    assert begin(client, 10).status_code == 429


def test_refused_archive_is_not_submitted(client: Client) -> None:
    url = begin(client, 5).json()["url"]
    done = put(client, url, 0, b"hello").json()
    assert done["inspection"]["problems"][0]["severity"] == "refuse"
    response = client.post("/builds/new/", {"way": "upload", "upload": done["uid"]})
    assert response.status_code == 422
    assert response.context["page"].problems[0]["message"]


def test_unfinished_or_foreign_upload_is_not_submitted(client: Client, stranger: User) -> None:
    uid = begin(client, 10).json()["uid"]
    assert client.post("/builds/new/", {"way": "upload", "upload": uid}).status_code == 422
    other = Client()
    other.force_login(stranger)
    assert other.post("/builds/new/", {"way": "upload", "upload": uid}).status_code == 422
    assert not Build.objects.exists()


def test_old_uploads_are_removed(client: Client) -> None:
    begin(client, 10)
    put(client, begin(client, 10).json()["url"], 0, b"x")
    old = Upload.objects.order_by("-id")[0]
    now = timezone.now()
    assert uploads_prune(now=now) == 0
    path = upload_path(old)
    assert path.exists()
    assert uploads_prune(now=now + timedelta(hours=25)) == 2
    assert not path.exists()
