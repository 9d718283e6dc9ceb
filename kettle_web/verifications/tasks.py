"""Background work on verifications. Safe to run twice: the lease decides who works, the row what is left to do."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from kettle_web.builds.leases import lease_claim, lease_kept
from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.verifications.arrival import build_verify
from kettle_web.verifications.models import Report
from kettle_web.verifications.policy.changes import moved_verify_again_below
from kettle_web.verifications.rebuild import build_index
from kettle_web.verifications.services import report_create


@shared_task(name="verifications.verify_build")  # type: ignore[untyped-decorator]
def verify_build(build_id: int) -> None:
    """Verify what came back of a build, unless someone else is at it or it is done."""
    lease = lease_claim(build_id, [State.VERIFYING])
    if lease is None:
        return
    with lease_kept(lease):
        build_verify(lease=lease, now=timezone.now())


@shared_task(name="verifications.verify_build_again")  # type: ignore[untyped-decorator]
def verify_build_again(build_id: int, trigger: str = Report.Trigger.AGAIN) -> None:
    """Judge a finished build once more; a second run is one more report with the same verdict, or a note that it is the same."""
    build = Build.objects.select_related("endpoint").get(pk=build_id)
    if build.state == State.DONE:
        report_create(build=build, now=timezone.now(), trigger=trigger)


@shared_task(name="verifications.verify_moved_again")  # type: ignore[untyped-decorator]
def verify_moved_again(measurements: list[str], below: int) -> None:
    """Go on with builds that a change of the allow-list moves, a page's worth at a time; a second run finds fewer."""
    moved_verify_again_below(measurements, below=below, now=timezone.now())


@shared_task(name="verifications.index_build")  # type: ignore[untyped-decorator]
def index_build(build_id: int) -> None:
    """Let search know of a build that ended without a report; a second run writes the same."""
    build_index(build_id)
