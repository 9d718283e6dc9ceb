"""Writes the index anew from the stored reports: after an upgrade, for builds that ended without one, or because someone asks."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from kettle_web.builds.models import Build
from kettle_web.builds.states import TERMINAL
from kettle_web.core.blobs import blob_exists, blob_size
from kettle_web.verification.report import ReportUnreadable, report_from_json
from kettle_web.verifications.index import index_write, index_write_unjudged
from kettle_web.verifications.models import Artifact, BuildIndex, Report, SearchRow

logger = logging.getLogger(__name__)
MISSING_AT_ONCE: Final = 500
"""Builds that are looked for at a time."""
MISSING_SECONDS: Final = 60.0
"""After that long the periodic work leaves the rest to its next turn: other work waits behind it."""


def build_index(build_id: int) -> bool:
    """Write what the index says of an ended build, from its newest report where there is one; False: it has not ended.

    The row is held meanwhile, so that this never overtakes a report that is being written.
    """
    with transaction.atomic():
        build = Build.objects.select_for_update().filter(pk=build_id, state__in=TERMINAL).first()
        if build is None:
            return False
        # A build that was invented has no report to be read again.
        if BuildIndex.objects.filter(build=build, is_seeded=True).exists():
            return True
        row = Report.objects.filter(build=build).order_by("-pk").first()
        if row is None:
            index_write_unjudged(build)
            return True
        report = report_from_json(row.document)
        index_write(build=build, report=report, stored=_stored(build, {item.sha256 for item in report.artifacts}))
        return True


def _stored(build: Build, digests: set[str]) -> dict[str, int]:
    """Sizes of the artifacts whose bytes are here; the storage is asked where the index was lost."""
    known = {row.sha256_hex: row.size for row in Artifact.objects.filter(build=build, is_stored=True)}
    if known or Artifact.objects.filter(build=build).exists():
        return {digest: size for digest, size in known.items() if size is not None}
    return {digest: blob_size(digest) for digest in digests if len(digest) == 64 and blob_exists(digest)}


def builds_unindexed(*, below: int | None = None, limit: int = MISSING_AT_ONCE) -> list[int]:
    """Give the newest ended builds that search does not know yet."""
    rows = Build.objects.filter(~Exists(SearchRow.objects.filter(build=OuterRef("pk"))), state__in=TERMINAL)
    if below is not None:
        rows = rows.filter(pk__lt=below)
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:limit])


def index_missing(_now: datetime) -> int:
    """Index what the index lacks; give how many builds that were."""
    until = time.monotonic() + MISSING_SECONDS
    count = 0
    below: int | None = None
    while time.monotonic() < until and (found := builds_unindexed(below=below)):
        count += sum(index_quietly(build_id) for build_id in found)
        below = found[-1]
    return count


def index_quietly(build_id: int) -> bool:
    """`build_index`, for many: one report that cannot be read does not stop the others, and is said."""
    try:
        return build_index(build_id)
    except ReportUnreadable as error:
        logger.warning("The report of build %s cannot be read, so search knows only what was asked for: %s", build_id, error)
        with transaction.atomic():
            index_write_unjudged(Build.objects.get(pk=build_id))
        return True
