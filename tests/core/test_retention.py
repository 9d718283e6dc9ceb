"""Files that nothing refers to are removed after a day, and never one that somebody stores or refers to meanwhile."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connections
from django.utils import timezone

from kettle_web.core import blobs, retention
from kettle_web.core.errors import BlobMissing
from kettle_web.core.models import UnreferencedBlob

NOW = timezone.now()
LATER = NOW + retention.GRACE


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings) -> None:
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is referred to."""
    digests: list[str] = []
    monkeypatch.setattr(retention, "_registry", {"test": lambda: digests})
    return digests


def sweep(now) -> int:
    return sum(retention.blobs_sweep(now=now, digit=digit) for digit in retention.DIGITS)


@pytest.mark.django_db
def test_file_that_nothing_refers_to_goes_after_a_day_and_others_stay(wanted: list[str]) -> None:
    kept, lost = blobs.blob_write_bytes(b"kept").sha256_hex, blobs.blob_write_bytes(b"lost").sha256_hex
    wanted.append(kept)
    assert sweep(NOW) == 0
    assert sweep(LATER - timedelta(seconds=1)) == 0
    assert blobs.blob_exists(lost)
    assert sweep(LATER) == 1
    assert (blobs.blob_exists(kept), blobs.blob_exists(lost)) == (True, False)
    assert UnreferencedBlob.objects.count() == 0
    assert sweep(LATER) == 0


@pytest.mark.django_db
def test_file_that_is_referred_to_again_in_time_stays(wanted: list[str]) -> None:
    digest = blobs.blob_write_bytes(b"again").sha256_hex
    sweep(NOW)
    wanted.append(digest)
    assert sweep(LATER) == 0
    wanted.clear()
    # Its day begins anew.
    assert sweep(LATER + timedelta(hours=1)) == 0
    assert sweep(LATER + timedelta(hours=2)) == 0
    assert blobs.blob_exists(digest)


@pytest.mark.django_db
@pytest.mark.parametrize("take", [lambda data, digest: blobs.blob_write_bytes(data), lambda data, digest: blobs.blob_hold(digest)])
def test_file_that_is_stored_or_held_again_gets_a_new_day(wanted: list[str], take) -> None:
    digest = blobs.blob_write_bytes(b"shared").sha256_hex
    sweep(NOW)
    take(b"shared", digest)
    # The row that refers to it is not committed yet.
    assert sweep(LATER) == 0
    assert blobs.blob_exists(digest)


@pytest.mark.django_db
def test_file_that_is_gone_cannot_be_held() -> None:
    with pytest.raises(BlobMissing):
        blobs.blob_hold("ab" * 32)


@pytest.mark.django_db
def test_sweep_that_was_killed_between_file_and_row_is_finished_by_the_next(wanted: list[str]) -> None:
    digest = blobs.blob_write_bytes(b"half").sha256_hex
    sweep(NOW)
    default_storage.delete(blobs.blob_name(digest))
    assert sweep(LATER) == 0
    assert UnreferencedBlob.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_bytes_stored_while_their_file_is_being_removed_are_there_afterwards(wanted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    digest = blobs.blob_write_bytes(b"race").sha256_hex
    sweep(NOW)
    began, finished, removed = threading.Event(), threading.Event(), []
    real = FileSystemStorage.delete

    def write() -> None:
        began.wait(10)
        try:
            blobs.blob_write_bytes(b"race")
            finished.set()
        finally:
            connections.close_all()

    def delete(storage: FileSystemStorage, name: str) -> None:
        began.set()
        # The writer must be waiting for the end of this removal, not have written already.
        assert not finished.wait(0.3)
        real(storage, name)
        removed.append(name)

    monkeypatch.setattr(FileSystemStorage, "delete", delete)
    writer = threading.Thread(target=write)
    writer.start()
    assert sweep(LATER) == 1
    writer.join(20)
    assert finished.is_set()
    assert removed
    assert blobs.blob_read(digest, 100) == b"race"


@pytest.mark.django_db
def test_references_of_rows_are_read_by_column_raw_or_hex() -> None:
    UnreferencedBlob.objects.create(sha256="ab" * 32)
    UnreferencedBlob.objects.create(sha256="cd" * 32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "_registry", {})
        retention.reference_register("rows", lambda: UnreferencedBlob.objects.values_list("sha256", flat=True))
        assert retention.references_with("a") == {"ab" * 32}


@pytest.mark.django_db
def test_scratch_file_of_a_killed_process_goes_after_a_day() -> None:
    old, young = blobs.scratch_folder() / "old", blobs.scratch_folder() / "young"
    for path in (old, young):
        path.write_bytes(b"x")
    then = NOW.timestamp() - retention.SCRATCH_SECONDS - 10
    os.utime(old, (then, then))
    assert retention.scratch_sweep(now=timezone.now()) == 1
    assert (old.exists(), young.exists()) == (False, True)
