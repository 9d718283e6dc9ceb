"""Lines of the list of a build's verifications. Their numbers never change: no report is ever deleted."""

from __future__ import annotations

from typing import Final

from django.urls import reverse

from kettle_web.builds.models import Build
from kettle_web.verifications.fragments import ReportRow, SameRun
from kettle_web.verifications.models import Report

REPORTS_SHOWN: Final = 200
RUNS_SHOWN: Final = 50
"""Of later judgements that found the same."""


def report_rows(build: Build, *, count: int, most: int = REPORTS_SHOWN) -> tuple[ReportRow, ...]:
    """The newest reports of a build, newest first. `count`: how many there are."""
    rows = Report.objects.filter(build=build).order_by("-pk").defer("document")[:most]
    return tuple(report_row(build, row, number=count - at, count=count) for at, row in enumerate(rows))


def report_row(build: Build, row: Report, *, number: int, count: int) -> ReportRow:
    return ReportRow(
        number=number,
        verdict=row.verdict,
        verdict_at_build=row.verdict_at_build,
        headline=row.headline,
        judged_at=row.judged_at,
        trigger_word=str(Report.Trigger(row.trigger).label),
        policy_version=row.policy_version,
        url=reverse("verifications:report-at", args=[build.uid, number]),
        is_newest=number == count,
        same_until=row.same_until,
    )


def same_runs(row: Report) -> tuple[SameRun, ...]:
    """The later judgements that found what a report says, the newest first."""
    return tuple(
        SameRun(str(Report.Trigger(run.trigger).label), run.policy_version, run.first_at, run.last_at, run.count)
        for run in row.same_again.all()[:RUNS_SHOWN]
    )
