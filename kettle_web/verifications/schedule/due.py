"""When a build is due to be judged again: often while it is young, rarely when it is old, never where the setting is off."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from kettle_web.builds.models import Build
from kettle_web.verifications.schedule.models import JudgementDue

YOUNG: Final = timedelta(days=30)
GROWN: Final = timedelta(days=365)
LEASE: Final = timedelta(hours=1)
"""A worker that dies while it judges a build leaves it due again after this."""
RETRY: Final = timedelta(hours=6)
"""After a failed try; doubled with each further one, up to a week."""
RETRY_MOST: Final = timedelta(days=7)


def interval(age: timedelta) -> timedelta | None:
    """Give the time between two judgements of a build of this age; None: it is not judged again by itself."""
    days: tuple[float, float, float] | None = settings.REVERIFY_EVERY_DAYS
    if days is None:
        return None
    return timedelta(days=days[0] if age < YOUNG else days[1] if age < GROWN else days[2])


def due_after_report(build: Build, *, now: datetime) -> None:
    """Set when a build that was just judged is due again."""
    step = interval(now - build.created_at)
    # Kept where the schedule is off too: switched on later, it finds every build.
    JudgementDue.objects.update_or_create(build_id=build.pk, defaults={"due_at": now + (step or YOUNG), "tries": 0, "error": ""})


def due_take(*, now: datetime, most: int) -> list[int]:
    """Give up to `most` builds that are due, the longest waiting first, and keep others from taking them."""
    taken = []
    for pk, due_at in JudgementDue.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", "due_at")[:most]:
        if JudgementDue.objects.filter(pk=pk, due_at=due_at).update(due_at=now + LEASE):
            taken.append(pk)
    return taken


def due_failed(build_id: int, *, now: datetime, error: str) -> None:
    """Note that a build could not be judged again, and when it is tried next."""
    row = JudgementDue.objects.filter(pk=build_id).first()
    if row is not None:
        wait = min(RETRY * 2 ** min(row.tries, 10), RETRY_MOST)
        JudgementDue.objects.filter(pk=build_id).update(due_at=now + wait, tries=row.tries + 1, error=error[:500])
