"""What was kept long enough is let go of, said on the page as such, and what a build still refers to stays."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from kettle_web.builds import retention
from kettle_web.builds.again import build_again
from kettle_web.builds.models import Build, EventChunk, Upload
from kettle_web.builds.services import Source, build_create
from kettle_web.builds.states import State
from kettle_web.builds.uploads import upload_append, upload_create, upload_path
from kettle_web.core.blobs import blob_exists, blob_write_bytes
from kettle_web.core.retention import DIGITS, GRACE, blobs_sweep
from kettle_web.env import KeepEnv

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def ten_days(settings) -> None:
    settings.KEEP = KeepEnv(logs_days=10, results_days=10, sources_days=10, uploads_hours=24, refused_uploads_hours=2)


def sweep(now) -> int:
    return sum(blobs_sweep(now=now, digit=digit) for digit in DIGITS)


def swept(now) -> None:
    """Let go of what is due, and let the day pass that a file is kept beyond that."""
    retention.retention_run(now)
    sweep(now)
    sweep(now + GRACE)


@pytest.fixture
def archive(owner: User, endpoint) -> Build:
    return make(owner, endpoint, b"an archive")


def make(owner: User, endpoint, data: bytes, *, ended=NOW - 9 * DAY, **fields: object) -> Build:
    blob = blob_write_bytes(data)
    build = build_create(owner=owner, endpoint=endpoint, origin="upload", source=Source(blob.sha256_hex, "a.tar.gz", blob.size))
    Build.objects.filter(id=build.id).update(state=State.DONE, finished_at=ended, **fields)
    build.refresh_from_db()
    return build


def get(user: User, path: str):
    client = Client()
    client.force_login(user)
    return client.get(path)


def test_source_goes_after_its_days_and_the_page_says_so(owner: User, archive: Build) -> None:
    swept(NOW)
    assert blob_exists(archive.source_sha256)
    swept(NOW + 2 * DAY)
    archive.refresh_from_db()
    assert not blob_exists(archive.source_sha256)
    assert archive.source_removed_at == NOW + 2 * DAY
    shown = get(owner, f"/builds/{archive.uid}/").content.decode()
    assert "This site keeps such files for 10 days." in shown
    assert "upload it again to build it again" in shown


def test_page_says_until_when_things_are_kept(owner: User, archive: Build) -> None:
    shown = get(owner, f"/builds/{archive.uid}/").content.decode()
    assert "How long this is kept" in shown
    assert (NOW + DAY).date().isoformat() in shown


def test_source_that_a_later_build_refers_to_stays(owner: User, archive: Build, endpoint) -> None:
    later = make(owner, endpoint, b"an archive", ended=NOW)
    swept(NOW + 2 * DAY)
    archive.refresh_from_db()
    assert archive.source_removed_at is not None
    assert blob_exists(later.source_sha256)


def test_building_again_while_the_source_is_on_its_way_out_keeps_it(owner: User, archive: Build) -> None:
    Build.objects.filter(id=archive.id).update(source_removed_at=None)
    # Marked as unreferenced by a run that looked when the earlier build's reference was gone.
    Build.objects.filter(id=archive.id).update(source_removed_at=NOW)
    sweep(NOW)
    Build.objects.filter(id=archive.id).update(source_removed_at=None)
    archive.refresh_from_db()
    new = build_again(build=archive, owner=owner, way="same", submission_key="k")
    assert sweep(NOW + GRACE) == 0
    assert blob_exists(new.source_sha256)


def test_running_build_keeps_everything_however_old(owner: User, endpoint) -> None:
    build = make(owner, endpoint, b"running", ended=None)
    Build.objects.filter(id=build.id).update(state=State.BUILDING, created_at=NOW - 400 * DAY)
    swept(NOW)
    assert blob_exists(build.source_sha256)


def test_result_goes_and_its_download_says_why(owner: User, endpoint, stranger: User) -> None:
    result = blob_write_bytes(b"\x1f\x8b a result")
    build = make(owner, endpoint, b"source", ended=NOW - 11 * DAY, result_sha256=result.sha256_hex, result_size=result.size)
    path = f"/builds/{build.uid}/files/result.tar.gz"
    client = Client()
    client.force_login(owner)
    assert client.head(path).status_code == 200
    swept(NOW)
    answer = get(owner, path)
    assert answer.status_code == 410
    assert "removed on" in answer.content.decode()
    assert "10 days" in answer.content.decode()
    assert not blob_exists(result.sha256_hex)
    assert get(stranger, path).status_code == 404


def test_lost_result_is_told_from_one_that_was_let_go_of(owner: User, endpoint) -> None:
    build = make(owner, endpoint, b"source", result_sha256="ab" * 32, result_size=3)
    answer = get(owner, f"/builds/{build.uid}/files/result.tar.gz")
    assert answer.status_code == 404
    assert "was lost on this site" in answer.content.decode()


def test_result_of_a_failed_verdict_stays(owner: User, endpoint) -> None:
    result = blob_write_bytes(b"\x1f\x8b proof")
    build = make(owner, endpoint, b"s", ended=NOW - 99 * DAY, verdict="failed", result_sha256=result.sha256_hex, result_size=1)
    swept(NOW)
    build.refresh_from_db()
    assert build.result_removed_at is None
    assert blob_exists(result.sha256_hex)


def test_provenance_and_evidence_stay_for_ever(owner: User, endpoint) -> None:
    provenance, evidence = blob_write_bytes(b"provenance").sha256_hex, blob_write_bytes(b"evidence").sha256_hex
    make(owner, endpoint, b"s", ended=NOW - 9999 * DAY, provenance_sha256=provenance, evidence_sha256=evidence)
    swept(NOW)
    assert blob_exists(provenance)
    assert blob_exists(evidence)


def test_log_goes_with_its_days(archive: Build) -> None:
    EventChunk.objects.create(build=archive, first_seq=1, last_seq=1, payload=b"")
    Build.objects.filter(id=archive.id).update(last_seq=1)
    assert retention.logs_let_go(now=NOW) == 0
    assert retention.logs_let_go(now=NOW + 2 * DAY) == 1
    archive.refresh_from_db()
    assert archive.log_removed_at == NOW + 2 * DAY
    assert not EventChunk.objects.exists()


def test_nothing_goes_where_everything_is_kept_for_ever(archive: Build, settings) -> None:
    settings.KEEP = KeepEnv(0, 0, 0, 0, 0, 0)
    swept(NOW + 9999 * DAY)
    archive.refresh_from_db()
    assert (archive.log_removed_at, archive.source_removed_at, archive.result_removed_at) == (None, None, None)
    assert blob_exists(archive.source_sha256)


def _upload(owner: User, data: bytes) -> Upload:
    upload = upload_create(owner=owner, name="a.zip", size=len(data))
    return upload_append(upload=upload, offset=0, chunk=data)


def test_archive_that_was_never_used_goes_with_its_bytes(owner: User) -> None:
    upload = _upload(owner, b"not an archive")
    assert upload.sha256
    # A refused one, after two hours.
    assert retention.uploads_prune(now=NOW + timedelta(hours=1)) == 0
    assert retention.uploads_prune(now=NOW + timedelta(hours=3)) == 1
    sweep(NOW + timedelta(hours=3))
    sweep(NOW + timedelta(hours=3) + GRACE)
    assert not blob_exists(upload.sha256)


def test_archive_that_was_used_stays_with_its_build(owner: User) -> None:
    upload = _upload(owner, b"used")
    Upload.objects.filter(id=upload.id).update(used_at=NOW)
    assert retention.uploads_prune(now=NOW + 100 * DAY) == 0


def test_partial_file_without_an_upload_goes(owner: User) -> None:
    upload = upload_create(owner=owner, name="a.zip", size=100)
    upload_append(upload=upload, offset=0, chunk=b"x")
    path = upload_path(upload)
    assert retention.strays_remove(now=NOW + 3 * DAY) == 0
    Upload.objects.all().delete()
    assert retention.strays_remove(now=NOW + DAY) == 0
    assert retention.strays_remove(now=NOW + 3 * DAY) == 1
    assert not path.exists()


def test_every_column_that_holds_a_digest_of_a_file_is_registered(owner: User, endpoint) -> None:
    """A new column that nobody registers would lose its files: this names the known ones."""
    from django.apps import apps

    from kettle_web.core.retention import _registry

    known = {
        "builds.Build.source_sha256", "builds.Build.result_sha256", "builds.Build.provenance_sha256", "builds.Build.evidence_sha256",
        "builds.Upload.sha256", "builds.SealedLog.sha256",
        "verifications.Report.provenance_sha256", "verifications.Report.evidence_sha256",
        "verifications.Artifact.sha256", "verifications.ImportedFile.sha256",
    }  # fmt: skip
    # Digests of something else than a file in storage.
    others = {
        "accounts.FailedSignIn.name_sha256", "builds.Build.source_lockfile_sha256", "core.UnreferencedBlob.sha256",
        "history.FeedToken.token_sha256", "sharing.ShareLink.artifact_sha256", "sharing.ShareLink.token_sha256",
        "verifications.BuildIndex.lockfile_sha256", "verifications.PolicyVersion.sha256",
    }  # fmt: skip
    columns = {
        f"{model._meta.app_label}.{model.__name__}.{column.name}"
        for model in apps.get_models()
        if model.__module__.startswith("kettle_web")
        for column in model._meta.get_fields()
        if "sha256" in column.name and not column.is_relation
    }
    assert known <= columns
    assert columns - known - others == set(), "say in `reference_register` what it refers to, or here why it refers to no file"
    registered = {(found.model._meta.label, found.query.values_select[0]) for rows in _registry.values() if (found := rows()) is not None}
    assert {f"{label}.{column}" for label, column in registered} >= known


def test_bytes_of_an_open_file_are_not_pulled_away(owner: User, endpoint) -> None:
    """A download that began before the removal ends whole: the file system keeps an open file."""
    from kettle_web.core.blobs import blob_open

    digest = blob_write_bytes(b"x" * 1_000_000).sha256_hex
    sweep(NOW)
    with blob_open(digest) as file:
        first = file.read(10)
        assert sweep(NOW + GRACE) == 1
        assert io.BytesIO(first + file.read()).getvalue() == b"x" * 1_000_000
