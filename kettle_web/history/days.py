"""Counts of builds by day, kept for days that are over so that a plot of a year costs what a plot of a week does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Q, QuerySet, Sum

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer, sees_all_builds
from kettle_web.history.durations import bucket, build_seconds
from kettle_web.verifications.models import DayCount, DayStale

DAYS_AT_ONCE: Final = 1000
"""Days that one round of the periodic work counts."""
EVERYONE: Final = 0
"""In place of an owner: all of them together, for who sees every build."""
FRESH_MAX: Final = 20_000
"""Builds since the last counted day that a page counts itself; more of them wait for the periodic work."""
ROW_FIELDS: Final = ("owner_id", "state", "verdict", "origin", "created_at", "finished_at")


@dataclass
class Day:
    """What happened on one day, or in several of them."""

    builds: int = 0
    failed: int = 0
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, *, number: int, builds: int, failed: int) -> None:
        self.builds += builds
        self.failed += failed
        self.buckets[number] += builds

    def join(self, other: Day) -> None:
        """Count what another one counts too."""
        self.builds += other.builds
        self.failed += other.failed
        self.buckets.update(other.buckets)


def is_failed(state: str, verdict: str) -> bool:
    """Whether a build counts as failed: no result, or one that must not be relied on."""
    return state == "failed" or verdict == "failed"


def days_of(rows: QuerySet[Build]) -> dict[tuple[date, int], Day]:
    """Count builds by day and owner."""
    days: dict[tuple[date, int], Day] = {}
    for owner_id, state, verdict, origin, created_at, finished_at in rows.values_list(*ROW_FIELDS):
        seconds = build_seconds(origin=origin, created_at=created_at, finished_at=finished_at)
        day = days.setdefault((created_at.astimezone(UTC).date(), owner_id), Day())
        day.add(number=bucket(seconds), builds=1, failed=int(is_failed(state, verdict)))
    return days


def days_count(now: datetime) -> int:
    """Count the days that are over and are not counted yet, or changed since; give how many that were."""
    today = now.astimezone(UTC).date()
    stale = set(DayStale.objects.filter(day__lt=today).values_list("day", flat=True)[:DAYS_AT_ONCE])
    uncounted = Build.objects.filter(created_at__lt=datetime.combine(today, time(), UTC))
    last = DayCount.objects.aggregate(last=Max("day"))["last"]
    if last is not None:
        uncounted = uncounted.filter(created_at__gte=datetime.combine(last + timedelta(days=1), time(), UTC))
    stale |= {moment.date() for moment in uncounted.datetimes("created_at", "day", tzinfo=UTC)[:DAYS_AT_ONCE]}
    for day in sorted(stale):
        _day_write(day)
    return len(stale)


def _day_write(day: date) -> None:
    begin = datetime.combine(day, time(), UTC)
    with transaction.atomic():
        # First: a build that is judged from here on marks the day again.
        DayStale.objects.filter(day=day).delete()
        found = days_of(Build.objects.filter(created_at__gte=begin, created_at__lt=begin + timedelta(days=1)))
        DayCount.objects.filter(day=day).delete()
        together = Day()
        for counts in found.values():
            together.join(counts)
        DayCount.objects.bulk_create(
            DayCount(day=day, owner_id=owner_id, bucket=number, builds=builds, failed=counts.failed if place == 0 else 0)
            for owner_id, counts in [(EVERYONE, together), *((owner, counts) for (_day, owner), counts in found.items())]
            # What failed is the day's, not a duration's: it stands in one of the rows.
            for place, (number, builds) in enumerate(sorted(counts.buckets.items()))
        )


def days_visible(viewer: User, *, first: date, last: date) -> dict[date, Day]:
    """Give the days from `first` to `last` on which the viewer may see builds."""
    counted = DayCount.objects.filter(day__gte=first, day__lte=last)
    counted = counted.filter(owner_id=EVERYONE if sees_all_builds(viewer) else viewer.pk)
    days: dict[date, Day] = {}
    for day, number, builds, failed in counted.values_list("day", "bucket").annotate(n=Sum("builds"), f=Sum("failed")):
        days.setdefault(day, Day()).add(number=number, builds=builds, failed=failed)
    newest = DayCount.objects.aggregate(last=Max("day"))["last"]
    begin = datetime.combine(first if newest is None else max(first, newest + timedelta(days=1)), time(), UTC)
    end = datetime.combine(last + timedelta(days=1), time(), UTC)
    if begin < end:
        fresh = builds_for_viewer(viewer).filter(Q(created_at__gte=begin) & Q(created_at__lt=end)).order_by("-created_at")
        for (day, _owner), counts in days_of(fresh[:FRESH_MAX]).items():
            days.setdefault(day, Day()).join(counts)
    return days
