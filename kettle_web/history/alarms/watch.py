"""Looks at a judged build and writes down its alarms. Run twice it doubles nothing: every finding has one row.

Compared with is the build before of the same project and ref, as it stood when this one was first judged; for the first build of a
ref, like a new tag, the build before of the project, so that releases by tag are watched too. Only builds that were requested by URL
have one. Where people see only their own builds, so does the comparison: nobody learns of another's by an alarm.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, transaction

from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.history.alarms.compare import Facts, Finding, facts_read, findings
from kettle_web.history.alarms.outbox import mails_prepare
from kettle_web.history.models import Alarm, WatchMark
from kettle_web.verifications.clean import text_storable
from kettle_web.verifications.models import Report

logger = logging.getLogger(__name__)
MARK: Final = "reports"
SETTLED: Final = timedelta(minutes=1)
"""No transaction of a report takes so long: no smaller key appears after this."""
MISSED_MOST: Final = 200
"""Reports that one pass looks after; it returns every minute."""
_PARTS: Final = ("verdict", "evidence_sha256", "document__claims", "document__provenance")


def build_watch(build_id: int) -> int:
    """Give how many new alarms a build has. A build that was not judged has none."""
    build = Build.objects.filter(pk=build_id).first()
    if build is None:
        return 0
    reports = list(Report.objects.filter(build=build).order_by("pk").values_list("pk", "verdict"))
    if not reports:
        return 0
    count = _write(build, reports[0][0], _from_build_before(build, reports[0][0]))
    for number, ((_before, old), (key, new)) in enumerate(pairwise(reports), start=2):
        if old != new:
            count += _write(build, key, [(None, Finding(Alarm.Kind.VERDICT_CHANGED, str(number), old, new))])
    return count


def build_before(build: Build) -> Build | None:
    """The newest earlier build of the same project that was judged, of the same ref if there is one.

    None: there is none, or the build counts for no project.
    """
    if build.project_id is None or build.origin != Build.Origin.REPOSITORY:
        return None
    earlier = Build.objects.filter(project_id=build.project_id, pk__lt=build.pk, origin=Build.Origin.REPOSITORY, state=State.DONE)
    if settings.BUILDS_VISIBLE_TO != "everyone":
        earlier = earlier.filter(owner_id=build.owner_id)
    newest = earlier.order_by("-pk")
    return newest.filter(repo_ref=build.repo_ref).first() or newest.first()


def _from_build_before(build: Build, report_key: int) -> list[tuple[Build | None, Finding]]:
    before = build_before(build)
    if before is None:
        return []
    old = _facts(Report.objects.filter(build=before, pk__lt=report_key).order_by("-pk").values(*_PARTS).first())
    new = _facts(Report.objects.filter(pk=report_key).values(*_PARTS).first())
    return [(before, finding) for finding in findings(old, new)] if old is not None and new is not None else []


def _facts(row: dict[str, Any] | None) -> Facts | None:
    if row is None:
        return None
    return facts_read(
        verdict=row["verdict"],
        evidence_sha256=row["evidence_sha256"],
        claims=row["document__claims"],
        provenance=row["document__provenance"],
    )


def _write(build: Build, report_key: int, found: list[tuple[Build | None, Finding]]) -> int:
    if not found:
        return 0
    with transaction.atomic():
        # One at a time for a build: two workers would else both think that their rows are the new ones.
        Build.objects.select_for_update().get(pk=build.pk)
        known = set(Alarm.objects.filter(build=build).values_list("kind", "subject"))
        rows = [
            Alarm(
                build=build,
                project_id=build.project_id,
                previous=before,
                kind=finding.kind,
                subject=text_storable(finding.subject),
                before=text_storable(finding.before),
                after=text_storable(finding.after),
            )
            for before, finding in found
            if (finding.kind, text_storable(finding.subject)) not in known
        ]
        Alarm.objects.bulk_create(rows, ignore_conflicts=True)
        if rows:
            mails_prepare(build, report_key, rows)
    return len(rows)


def missed_watch(now: datetime, *, most: int = MISSED_MOST) -> int:
    """Watch the builds of reports that came since the last look, whether or not the queue's message about them arrived."""
    settled = Report.objects.filter(created_at__lte=now - SETTLED)
    mark, is_new = WatchMark.objects.get_or_create(name=MARK)
    if is_new:
        # What was judged before there were alarms raises none.
        newest = settled.order_by("-pk").values_list("pk", flat=True).first() or 0
        WatchMark.objects.filter(pk=mark.pk).update(report_number=newest)
        return 0
    rows = list(settled.filter(pk__gt=mark.report_number).order_by("pk").values_list("pk", "build_id")[:most])
    for key, build_id in rows:
        try:
            build_watch(build_id)
        except DatabaseError:
            raise
        except Exception:
            # One document that our own code cannot read must not hide the alarms of all that follow.
            logger.exception("Watching build %s broke.", build_id)
        WatchMark.objects.filter(pk=mark.pk, report_number__lt=key).update(report_number=key)
    return len(rows)
