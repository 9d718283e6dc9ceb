"""`manage.py reindex`: write the search index anew from the stored reports."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from kettle_web.builds.models import Build
from kettle_web.builds.states import TERMINAL
from kettle_web.verifications.rebuild import builds_unindexed, index_quietly
from kettle_web.verifications.search.tables import tables_fill, tables_prepare


class Command(BaseCommand):
    help = (
        "Write the search index anew from the stored reports, newest build first, while the site runs. Each build is written"
        " in one transaction; run again, it writes the same. What was interrupted goes on with --below."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--missing", action="store_true", help="only builds that the index does not know")
        parser.add_argument("--below", type=int, help="only builds with a smaller number than this one: where an earlier run ended")
        parser.add_argument("--batch", type=int, default=500, help="builds between two lines of progress (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        if said := tables_prepare(connection):
            self.stderr.write(said)
        if not options["missing"] and options["below"] is None:
            # Rows that came in past the triggers; a second run goes on and need not do this again.
            tables_fill(connection)
        below: int | None = options["below"]
        count = 0
        while batch := _batch(below, options["missing"], max(1, options["batch"])):
            count += sum(index_quietly(build_id) for build_id in batch)
            below = batch[-1]
            self.stdout.write(f"{count} builds; to go on from here: manage.py reindex --below {below}")
        self.stdout.write(f"The index is written: {count} builds.")


def _batch(below: int | None, is_missing_only: bool, limit: int) -> list[int]:
    if is_missing_only:
        return builds_unindexed(below=below, limit=limit)
    rows = Build.objects.filter(state__in=TERMINAL)
    if below is not None:
        rows = rows.filter(pk__lt=below)
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:limit])
