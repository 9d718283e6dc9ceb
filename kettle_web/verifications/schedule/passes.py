"""The work that returns: judge what is due, and what a date in the allow-list moves. A pass is bounded, and the next one goes on."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import Q

from kettle_web.archives.errors import ArchiveError
from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.core.errors import CoreError
from kettle_web.verifications.models import AllowListEntry, Report
from kettle_web.verifications.policy.changes import moved_verify_again
from kettle_web.verifications.policy.in_force import policy_in_force
from kettle_web.verifications.policy.preview import preview_make
from kettle_web.verifications.schedule.due import due_failed, due_take
from kettle_web.verifications.schedule.models import ScheduleMark
from kettle_web.verifications.services import BuildMoved, report_create

logger = logging.getLogger(__name__)

PASS_BUILDS: Final = 50
PASS_SECONDS: Final = 40.0
PASS_BYTES: Final = 2 * 1024**3
"""Results that one pass unpacks and hashes, all together; one larger than this has a pass of its own."""
TAKE: Final = 5
"""Builds that are claimed at a time, so that a pass that ends early leaves the rest to others."""
DATES: Final = "policy-dates"


def due_judge(now: datetime) -> int:
    """Judge builds that are due, the longest waiting first, up to a pass's worth; give how many."""
    if settings.REVERIFY_EVERY_DAYS is None:
        return 0
    started, count, size = time.monotonic(), 0, 0
    while count < PASS_BUILDS and size < PASS_BYTES and time.monotonic() - started < PASS_SECONDS:
        keys = due_take(now=now, most=TAKE)
        if not keys:
            break
        for build in Build.objects.select_related("endpoint").filter(pk__in=keys):
            size += build.result_size or 0
            count += 1
            _judge(build, now)
    return count


def _judge(build: Build, now: datetime) -> None:
    if build.state != State.DONE:
        due_failed(build.pk, now=now, error=f"the build is {build.state}")
        return
    if build.artifacts_removed_at is not None:
        # Without the files that were let go of, the verdict could only fall, and the alarm would be about our own retention.
        due_failed(build.pk, now=now, error="its files were let go of")
        return
    try:
        report_create(build=build, now=now, trigger=Report.Trigger.SCHEDULE)
    except (ArchiveError, CoreError) as error:
        logger.warning("Build %s could not be judged again: %s.", build.uid, error)
        due_failed(build.pk, now=now, error=f"{error.code}: {error.message}")
    except BuildMoved:
        due_failed(build.pk, now=now, error="the build moved while it was being judged")
    except Exception as error:
        # Our own fault with one build must not keep the others waiting.
        logger.exception("Judging build %s again broke.", build.uid)
        due_failed(build.pk, now=now, error=type(error).__name__)


def dates_look(now: datetime) -> int:
    """Judge what the entries move that began or ran out since the last look; give how many builds moved."""
    mark, is_new = ScheduleMark.objects.get_or_create(name=DATES, defaults={"at": now})
    if is_new or mark.at >= now:
        return 0
    began = Q(in_force_from__gt=mark.at, in_force_from__lte=now)
    ended = Q(in_force_until__gt=mark.at, in_force_until__lte=now)
    measurements = set(AllowListEntry.objects.filter(began | ended).values_list("measurement", flat=True))
    moved = 0
    if measurements:
        preview = preview_make(after=policy_in_force(now).policy, measurements=measurements, at=now, now=now)
        moved = moved_verify_again(preview)
    # After the builds were queued: a worker that dies in between looks again, and finds those that have not moved yet.
    ScheduleMark.objects.filter(pk=mark.pk).update(at=now)
    return moved
