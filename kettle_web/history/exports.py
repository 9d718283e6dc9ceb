"""Tables of the history as files. Every table of this app goes out by `table_response`; see `kettle_web.core.tables` for the forms.

A table that is longer than a page is read in batches by key: no cursor of the database stays open for a slow visitor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase

from kettle_web.core.tables import ROWS_CAP, Cell, Row, table_response
from kettle_web.history.fragments import HistoryRow
from kettle_web.history.selectors import history_row, history_walk, is_owner_shown

__all__ = ("ROWS_CAP", "Cell", "Row", "history_response", "newest_first", "table_response")

M = TypeVar("M", bound=Model)
BATCH_ROWS: Final = 500
HISTORY_COLUMNS: Final = (
    "build", "title", "origin", "label", "ref", "commit", "state", "verdict", "headline", "failure", "platform", "owner", "created_at",
    "finished_at",
)  # fmt: skip


def newest_first(queryset: QuerySet[M]) -> Iterator[M]:
    """Yield the rows of a query by falling key, a batch at a time."""
    batch = BATCH_ROWS
    rows = list(queryset.order_by("-pk")[:batch])
    while rows:
        yield from rows
        rows = list(queryset.filter(pk__lt=rows[-1].pk).order_by("-pk")[:batch]) if len(rows) == batch else []


def history_response(request: HttpRequest, *, viewer: User, form: str) -> HttpResponseBase:
    """The builds that the history shows for the same query string, all pages of them."""
    builds = history_walk(viewer=viewer, parameters=request.GET)
    shown = is_owner_shown(viewer)
    rows = (_history_cells(history_row(build, is_owner_shown=shown)) for build in builds)
    about = {"query": request.GET.urlencode()}
    return table_response(request, form=form, name="builds", columns=HISTORY_COLUMNS, rows=rows, about=about)


def _history_cells(row: HistoryRow) -> Row:
    return (
        row.uid, row.title, row.origin, row.label, row.ref, row.commit, row.state, row.verdict, row.headline, row.failure, row.platform,
        row.owner, row.created_at, row.finished_at,
    )  # fmt: skip
