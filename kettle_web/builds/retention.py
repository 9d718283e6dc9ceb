"""Letting go of what was kept long enough: logs, sources and result tarballs of builds that have ended, and archives that no
build uses. Only rows change here; the bytes go when nothing refers to them any more (`core.retention`).

Provenance, evidence and reports are never let go of.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from kettle_web.builds.kept import LOG, RESULT, SOURCE, Part
from kettle_web.builds.models import Build, EventChunk, SealedLog, Upload
from kettle_web.builds.preflight import refusals
from kettle_web.builds.states import RUNNING
from kettle_web.builds.uploads import upload_path
from kettle_web.core.retention import keep_setting, reference_register

logger = logging.getLogger(__name__)
BATCH: Final = 500
PRUNE_SECONDS: Final = 600
STRAY_SECONDS: Final = 48 * 3600
"""A partial file that no upload belongs to is older than this: its row is gone, or was never committed."""


def references() -> Iterable[tuple[str, QuerySet[Any, Any]]]:
    """Give the columns of this app that refer to stored files."""
    yield "sources", Build.objects.filter(source_removed_at=None).exclude(source_sha256="").values_list("source_sha256", flat=True)
    yield "results", Build.objects.filter(result_removed_at=None).exclude(result_sha256="").values_list("result_sha256", flat=True)
    yield "provenance", Build.objects.exclude(provenance_sha256="").values_list("provenance_sha256", flat=True)
    yield "evidence", Build.objects.exclude(evidence_sha256="").values_list("evidence_sha256", flat=True)
    # A used archive belongs to its build from then on.
    yield "uploads", Upload.objects.filter(used_at=None).exclude(sha256="").values_list("sha256", flat=True)
    yield "sealed logs", SealedLog.objects.values_list("sha256", flat=True)


def references_register() -> None:
    for name, _rows in references():
        reference_register(f"builds: {name}", partial(_references_of, name))


def _references_of(name: str) -> QuerySet[Any, Any]:
    return dict(references())[name]


def ended_before(part: Part, now: datetime) -> QuerySet[Build]:
    """Give the builds whose `part` was kept long enough and is to be let go of, oldest first; none where it is kept for ever."""
    days = keep_setting(part.setting)
    if not days:
        return Build.objects.none()
    ended = Build.objects.filter(finished_at__lte=now - timedelta(days=days), **{part.removed: None})
    return ended.exclude(state__in=RUNNING).order_by("finished_at")


def logs_let_go(*, now: datetime) -> int:
    """Remove the logs of builds that ended long ago; give how many builds."""
    count = 0
    for build_id in ended_before(LOG, now).values_list("id", flat=True)[:BATCH]:
        with transaction.atomic():
            if Build.objects.filter(id=build_id, log_removed_at=None).update(log_removed_at=now):
                EventChunk.objects.filter(build_id=build_id).delete()
                SealedLog.objects.filter(build_id=build_id).delete()
                count += 1
    return count


def sources_let_go(*, now: datetime) -> int:
    ids = list(ended_before(SOURCE, now).values_list("id", flat=True)[:BATCH])
    return Build.objects.filter(id__in=ids, source_removed_at=None).update(source_removed_at=now)


def results_let_go(*, now: datetime) -> int:
    """Let go of result tarballs; what a failed verdict rests on stays."""
    ids = list(ended_before(RESULT, now).exclude(verdict="failed").values_list("id", flat=True)[:BATCH])
    return Build.objects.filter(id__in=ids, result_removed_at=None).update(result_removed_at=now)


def uploads_prune(*, now: datetime) -> int:
    """Remove archives that nobody finished or used, refused ones after a time of their own; give how many."""
    count = 0
    for upload in Upload.objects.filter(used_at=None, created_at__lte=now - timedelta(hours=_shortest_hours())).order_by("id"):
        setting = "refused_uploads_hours" if upload.sha256 and refusals(upload.inspection) else "uploads_hours"
        hours = keep_setting(setting)
        if not hours or upload.created_at > now - timedelta(hours=hours):
            continue
        with transaction.atomic():
            # A build may be taking it at this very moment.
            if not Upload.objects.filter(Q(used_at=None), pk=upload.pk).delete()[0]:
                continue
        with suppress(OSError):
            upload_path(upload).unlink(missing_ok=True)
        count += 1
        if count >= BATCH:
            break
    return count


def _shortest_hours() -> float:
    return min(keep_setting("uploads_hours") or float(10**6), keep_setting("refused_uploads_hours") or float(10**6))


def strays_remove(*, now: datetime) -> int:
    """Remove partial files that no upload belongs to; give how many."""
    folder, count = Path(settings.DATA_DIR) / "uploads", 0
    for path in folder.glob("*.part") if folder.is_dir() else ():
        with suppress(OSError):
            if now.timestamp() - path.stat().st_mtime > STRAY_SECONDS and not Upload.objects.filter(uid=path.stem).exists():
                path.unlink()
                count += 1
    return count


def retention_run(now: datetime) -> None:
    """The periodic work. Safe to run twice."""
    counts = {
        "logs": logs_let_go(now=now),
        "sources": sources_let_go(now=now),
        "results": results_let_go(now=now),
        "uploads": uploads_prune(now=now),
        "strays": strays_remove(now=now),
    }
    if any(counts.values()):
        logger.info("Kept long enough and let go of: %s.", ", ".join(f"{count} {name}" for name, count in counts.items() if count))
