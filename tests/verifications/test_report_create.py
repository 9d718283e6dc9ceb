import hashlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kettle_web.archives.errors import ArchiveError
from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.core.blobs import blob_exists, blob_read
from kettle_web.verification.report import report_from_json
from kettle_web.verifications.models import Artifact, BuildIndex, BuildPackage, Package, Report
from kettle_web.verifications.services import BuildMoved, report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import (
    COMMIT,
    HELLO,
    NONCE,
    REPOSITORY,
    build_make,
    provenance_make,
    result_make,
    tarball_make,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return person_make("ada")


def _judged(build, **more):
    return report_create(build=build, now=timezone.now(), **more)


def _check(report, code):
    return next(check for check in report_from_json(report.document).checks if check.code == code)


def test_sound_result_under_the_test_root_is_simulated_and_done(ada):
    result = result_make()
    build = build_make(ada, tarball=result.tarball)
    report = _judged(build)
    assert report.verdict == "simulated"
    assert (build.state, build.verdict, build.platform) == (State.DONE, "simulated", "snp")
    assert build.headline == report.headline
    assert build.finished_at is not None
    assert blob_read(build.provenance_sha256, 10**6) == result.provenance
    assert blob_read(build.evidence_sha256, 10**6) == result.evidence
    assert report_from_json(report.document).now.verdict == "simulated"
    assert (report.provenance_size, report.evidence_size) == (len(result.provenance), len(result.evidence))


def test_index_holds_what_the_document_says(ada):
    build = build_make(ada, tarball=result_make().tarball)
    _judged(build)
    index = BuildIndex.objects.select_related("repository").get(build=build)
    assert index.repository is not None
    assert index.repository.url == REPOSITORY
    assert (index.git_commit, index.toolchain, index.dependency_count) == (COMMIT, "cargo", 2)
    assert index.nonce == NONCE.hex()
    assert len(index.measurement) == 96
    names = BuildPackage.objects.filter(build=build).values_list("package__name", "package__version")
    assert set(names) == {("serde", "1.0.228"), ("xz2", "0.1.7")}


def test_matching_artifact_is_stored_and_an_unlisted_one_is_not(ada):
    result = result_make(artifacts={"hello": HELLO, "stowaway": b"boo"})
    build = build_make(ada, tarball=result.tarball)
    _judged(build)
    row = Artifact.objects.get(build=build)
    assert (row.name, row.size, row.is_stored) == ("hello", len(HELLO), True)
    assert blob_exists(row.sha256_hex)
    assert not blob_exists(hashlib.sha256(b"boo").hexdigest())


def test_changed_artifact_fails_and_is_never_offered(ada):
    build = build_make(ada, tarball=result_make(artifacts={"hello": b"hello, mallory"}).tarball)
    assert _judged(build).verdict == "failed"
    assert not Artifact.objects.get(build=build).is_stored


def test_nonce_of_the_accepted_attempt_is_asked_for(ada):
    build = build_make(ada, tarball=result_make(nonce=bytes(range(2, 18))).tarball)
    assert _judged(build).verdict == "failed"


def test_other_repository_than_asked_for_fails(ada):
    build = build_make(ada, tarball=result_make(uri="https://example.org/other.git").tarball)
    report = _judged(build)
    assert report.verdict == "failed"
    assert _check(report, "request.repository").outcome == "fail"


@pytest.mark.parametrize(("attests", "verdict"), [(True, "failed"), (False, "unattested")])
def test_result_without_evidence(ada, attests, verdict):
    build = build_make(ada, tarball=result_make(attested=False).tarball, attests=attests)
    assert _judged(build).verdict == verdict
    assert build.evidence_sha256 == ""


def test_evidence_stored_for_an_earlier_build_fails(ada):
    result = result_make()
    _judged(build_make(ada, tarball=result.tarball))
    assert _judged(build_make(ada, tarball=result.tarball)).verdict == "failed"


def test_someone_elses_build_is_not_named_in_a_replay(ada):
    result = result_make()
    first = build_make(person_make("bob"), tarball=result.tarball)
    _judged(first)
    report = _judged(build_make(ada, tarball=result.tarball))
    assert "someone else" in _check(report, "signed-data.replay").reason
    assert first.uid not in str(report.document)


def test_later_copy_of_the_evidence_does_not_spoil_the_first(ada):
    result = result_make()
    first = build_make(ada, tarball=result.tarball)
    _judged(first)
    _judged(build_make(ada, tarball=result.tarball))
    assert _judged(first, trigger=Report.Trigger.AGAIN).verdict == "simulated"


def test_judging_again_keeps_the_earlier_report_and_the_index(ada):
    build = build_make(ada, tarball=result_make().tarball)
    first = _judged(build)
    second = _judged(build, trigger=Report.Trigger.AGAIN)
    assert list(Report.objects.filter(build=build)) == [second, first]
    assert second.trigger == "again"
    assert Artifact.objects.filter(build=build).count() == 1
    assert BuildPackage.objects.filter(build=build).count() == 2


def test_build_that_was_ended_meanwhile_is_left_alone(ada):
    build = build_make(ada, tarball=result_make().tarball)
    Build.objects.filter(pk=build.pk).update(state=State.ABANDONED)
    with pytest.raises(BuildMoved):
        _judged(build)
    assert not Report.objects.exists()
    assert not BuildIndex.objects.exists()


def test_lost_lease_writes_nothing(ada):
    build = build_make(ada, tarball=result_make().tarball, lease_owner="someone")
    with pytest.raises(BuildMoved):
        _judged(build, lease_owner="me")
    assert not Report.objects.exists()


def test_queries_do_not_grow_with_dependencies(ada):
    def count(dependencies, nonce):
        result = result_make(dependencies=dependencies, nonce=nonce)
        build = build_make(ada, tarball=result.tarball, nonce=nonce)
        with CaptureQueriesContext(connection) as queries:
            _judged(build)
        return len(queries)

    # The first build also makes the repository's row.
    count([("a", "1.0.0")], bytes([1] * 16))
    few = count([("b", "1.0.0")], bytes([2] * 16))
    assert count([(f"crate-{n}", f"1.0.{n}") for n in range(300)], bytes([3] * 16)) == few


def test_two_builds_share_their_packages(ada):
    for nonce in (bytes([7] * 16), bytes([8] * 16)):
        _judged(build_make(ada, tarball=result_make(nonce=nonce).tarball, nonce=nonce))
    assert Package.objects.filter(name="serde").count() == 1
    assert BuildPackage.objects.filter(package__name="serde").count() == 2


@pytest.mark.parametrize(
    ("tarball", "code"),
    [
        (b"not an archive", "archive.unknown-format"),
        (tarball_make({"readme": b"x"}), "result.no-documents"),
        (tarball_make({"../x": b"x", "provenance.json": b"{}"}), None),
        (tarball_make({"provenance.json": b"{}"})[:40], None),
    ],
)
def test_result_that_cannot_be_unpacked_raises(ada, tarball, code):
    build = build_make(ada, tarball=tarball)
    with pytest.raises(ArchiveError) as caught:
        _judged(build)
    assert code is None or caught.value.code == code


def test_unreadable_provenance_fails_as_a_verdict(ada):
    build = build_make(ada, tarball=tarball_make({"provenance.json": b"{", "evidence.json": b"{}"}))
    assert _judged(build).verdict == "failed"
    assert build.state == State.DONE


def test_text_that_no_database_stores_is_shown_by_its_replacement(ada):
    provenance = provenance_make().replace(b'"hello"', b'"he\\u0000llo\\ud800"')
    build = build_make(ada, tarball=tarball_make({"provenance.json": provenance}), attests=False)
    report = _judged(build)
    assert "\x00" not in str(Report.objects.get(pk=report.pk).document)
