"""Letting go of artifacts that were kept long enough, and what this app's rows refer to in storage."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from kettle_web.builds.kept import ARTIFACTS
from kettle_web.builds.models import Build
from kettle_web.builds.retention import BATCH, ended_before
from kettle_web.core.retention import reference_register
from kettle_web.verifications.models import Artifact, ImportedFile, Report


def references_register() -> None:
    reference_register("verifications: artifacts", lambda: Artifact.objects.filter(is_stored=True).values_list("sha256", flat=True))
    reference_register(
        "verifications: imported files",
        lambda: ImportedFile.objects.filter(build__artifacts_removed_at=None).values_list("sha256", flat=True),
    )
    for column in ("provenance_sha256", "evidence_sha256"):
        reference_register(f"verifications: {column} of reports", partial(_report_column, column))


def _report_column(column: str) -> QuerySet[Any, Any]:
    return Report.objects.exclude(**{column: ""}).values_list(column, flat=True)


def artifacts_let_go(now: datetime) -> int:
    """Let go of the artifacts of builds that ended long ago; give how many builds. What a failed verdict rests on stays.

    A tarball that is still kept holds them too: where both settings are given, the longer one counts.
    """
    ids = list(ended_before(ARTIFACTS, now).exclude(verdict="failed").values_list("id", flat=True)[:BATCH])
    with transaction.atomic():
        count = Build.objects.filter(id__in=ids, artifacts_removed_at=None).update(artifacts_removed_at=now)
        Artifact.objects.filter(build_id__in=ids, is_stored=True).update(is_stored=False)
    return count
