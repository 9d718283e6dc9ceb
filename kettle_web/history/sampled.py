"""Days as the builds of one search fill them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date

from kettle_web.history.days import Day, is_failed
from kettle_web.history.durations import bucket, build_seconds
from kettle_web.history.facets import Sample


def days_sampled(samples: Iterable[Sample]) -> dict[date, Day]:
    """Count some builds by day."""
    days: dict[date, Day] = {}
    for sample in samples:
        seconds = build_seconds(origin=sample.origin, created_at=sample.created_at, finished_at=sample.finished_at)
        day = days.setdefault(sample.created_at.astimezone(UTC).date(), Day())
        day.add(number=bucket(seconds), builds=1, failed=int(is_failed(sample.state, sample.verdict)))
    return days
