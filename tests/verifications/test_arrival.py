from datetime import timedelta

import pytest
from django.utils import timezone

from kettle_web.builds.leases import lease_claim
from kettle_web.builds.models import Build
from kettle_web.builds.states import Fault, State
from kettle_web.core.blobs import blob_name
from kettle_web.verifications import arrival
from kettle_web.verifications.arrival import RETRY_SECONDS, build_verify, build_verify_again
from kettle_web.verifications.models import Report
from kettle_web.verifications.tasks import verify_build, verify_build_again
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make, result_make, tarball_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return person_make("ada")


def _verify(build):
    lease = lease_claim(build.pk, [State.VERIFYING])
    assert lease is not None
    build_verify(lease=lease, now=timezone.now())
    build.refresh_from_db()


def test_task_verifies_once(ada, transactional_db):
    build = build_make(ada, tarball=result_make().tarball)
    verify_build(build.pk)
    verify_build(build.pk)
    build.refresh_from_db()
    assert build.state == State.DONE
    assert Report.objects.filter(build=build).count() == 1
    assert build.lease_owner == ""


def test_task_leaves_a_build_alone_that_someone_works_on(ada, transactional_db):
    build = build_make(ada, tarball=result_make().tarball, lease_until=timezone.now() + timedelta(seconds=30))
    verify_build(build.pk)
    build.refresh_from_db()
    assert build.state == State.VERIFYING


def test_task_judges_again_beside_the_first(ada):
    build = build_make(ada, tarball=result_make().tarball)
    _verify(build)
    verify_build_again(build.pk)
    assert [report.trigger for report in Report.objects.filter(build=build)] == ["again", "arrival"]


@pytest.mark.parametrize(
    ("tarball", "code"),
    [(b"<html>nginx</html>", ""), (tarball_make({"readme": b"x"}), "result.no-documents")],
)
def test_hostile_result_is_the_builders_fault_with_a_sentence(ada, tarball, code):
    build = build_make(ada, tarball=tarball)
    _verify(build)
    assert (build.state, build.fault) == (State.FAILED, Fault.BUILDER)
    assert build.failure_code.startswith(code)
    assert build.failure_message.endswith("tell whoever runs the Kettle server.")
    assert "upload" not in build.failure_message


def test_hostile_import_is_not_the_builders_fault(ada):
    build = build_make(ada, tarball=b"nothing", origin=Build.Origin.IMPORT, endpoint=None)
    _verify(build)
    assert build.fault == Fault.SOURCE
    assert build.failure_message.endswith("Get the bundle once more from where you have it.")


def test_bytes_that_have_rotted_are_our_fault(ada, settings):
    build = build_make(ada, tarball=result_make().tarball)
    path = settings.DATA_DIR / "files" / blob_name(build.result_sha256)
    path.write_bytes(b"rotten")
    _verify(build)
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, Fault.US, "blob-corrupt")


def test_broken_verification_is_tried_again_and_then_our_fault(ada, monkeypatch):
    build = build_make(ada, tarball=result_make().tarball)

    def broken(**_arguments):
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(arrival, "report_create", broken)
    for tries in range(1, len(RETRY_SECONDS) + 1):
        _verify(build)
        assert (build.state, build.tries) == (State.VERIFYING, tries)
        assert build.next_try_at is not None
        Build.objects.filter(pk=build.pk).update(next_try_at=None)
    _verify(build)
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, Fault.US, "verification.broken")


def test_only_finished_builds_are_judged_again(ada):
    assert not build_verify_again(build=build_make(ada))


def test_large_result_is_judged_again_in_the_background(ada, monkeypatch):
    queued = []
    monkeypatch.setattr(arrival, "enqueue", lambda *arguments: queued.append(arguments))
    build = build_make(ada, state=State.DONE, result_size=arrival.AT_ONCE_BYTES + 1)
    assert build_verify_again(build=build)
    assert queued == [("verifications.verify_build_again", build.pk)]
