"""After tarball or artifacts were let go of, judging again says what still can be said, and never something better."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.builds.retention import results_let_go
from kettle_web.core.blobs import blob_exists
from kettle_web.core.retention import DIGITS, GRACE, blobs_sweep
from kettle_web.env import KeepEnv
from kettle_web.verifications.retention import artifacts_let_go
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make, result_make

pytestmark = pytest.mark.django_db
LATER = timezone.now() + timedelta(days=100)


@pytest.fixture(autouse=True)
def _files(tmp_path, settings) -> None:
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }


@pytest.fixture
def build() -> Build:
    build = build_make(person_make("ada"), tarball=result_make().tarball)
    # Not the time when this file was read: a judgement before the build's own records would fail.
    now = timezone.now()
    report_create(build=build, now=now)
    Build.objects.filter(id=build.id).update(finished_at=now)
    build.refresh_from_db()
    return build


def sweep() -> None:
    for now in (LATER, LATER + GRACE):
        for digit in DIGITS:
            blobs_sweep(now=now, digit=digit)


def test_verdict_stands_without_the_tarball(build: Build, settings) -> None:
    settings.KEEP = KeepEnv(results_days=10)
    before = (build.verdict, build.headline)
    assert results_let_go(now=LATER) == 1
    sweep()
    build.refresh_from_db()
    assert not blob_exists(build.result_sha256)
    assert blob_exists(build.artifacts.get().sha256_hex)
    report_create(build=build, now=LATER, trigger="again")
    build.refresh_from_db()
    assert (build.verdict, build.headline) == before
    assert build.artifacts.get().is_stored


def test_without_the_artifacts_their_bytes_are_said_to_be_missing(build: Build, settings) -> None:
    settings.KEEP = KeepEnv(results_days=10, artifacts_days=10)
    results_let_go(now=LATER)
    assert artifacts_let_go(LATER) == 1
    sweep()
    build.refresh_from_db()
    artifact = build.artifacts.get()
    assert not blob_exists(artifact.sha256_hex)
    client = Client()
    client.force_login(build.owner)
    answer = client.get(f"/builds/{build.uid}/artifacts/{artifact.sha256_hex}/{artifact.name}")
    assert answer.status_code == 410
    before = build.verdict
    report = report_create(build=build, now=LATER, trigger="again")
    # The weakest required row decides, and it could not be checked.
    assert report.verdict in ("incomplete", before)
    assert not build.artifacts.get().is_stored
    assert client.get(f"/builds/{build.uid}/").status_code == 200


def test_artifact_that_another_build_has_too_stays(build: Build, settings) -> None:
    other = build_make(build.owner, tarball=result_make().tarball)
    report_create(build=other, now=LATER)
    Build.objects.filter(id=other.id).update(finished_at=LATER)
    settings.KEEP = KeepEnv(results_days=10, artifacts_days=10)
    results_let_go(now=LATER)
    artifacts_let_go(LATER)
    sweep()
    assert blob_exists(other.artifacts.get().sha256_hex)
