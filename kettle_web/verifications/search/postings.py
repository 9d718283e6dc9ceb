"""Builds by what is true of them, newest first: the one query of the search, in the two databases' words.

Both walk lists of builds that are kept in order and stop when enough is found. Nothing is ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from kettle_web.verifications.search.models import SearchRow
from kettle_web.verifications.search.postgresql import postgresql_query
from kettle_web.verifications.search.wanted import EVERYWHERE, GROUP_MAX, Span, Wanted, bounds_sql

__all__ = ("GROUP_MAX", "Span", "Wanted", "builds_holding", "builds_newest", "tokens_seen")


def builds_newest(wanted: Wanted, *, limit: int, span: Span = EVERYWHERE) -> list[int]:
    """Give the ids of the newest builds in the span of which `wanted` is true, newest first."""
    if not wanted.groups or not all(wanted.groups):
        return []
    sql, params = postgresql_query(wanted, limit, span) if connection.vendor == "postgresql" else _sqlite(wanted, limit, span)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [int(row[0]) for row in cursor.fetchall()]


def _sqlite(wanted: Wanted, limit: int, span: Span) -> tuple[str, list[Any]]:
    groups = " AND ".join(f"({' OR '.join(str(int(part)) for part in sorted(group))})" for group in wanted.groups)
    match = f"({groups}) NOT ({' OR '.join(str(int(part)) for part in sorted(wanted.excluded))})" if wanted.excluded else groups
    join, bounds, params = bounds_sql(wanted, span, "rowid")
    sql = (
        f"SELECT s.rowid FROM verifications_search_fts s {join} WHERE verifications_search_fts MATCH %s {bounds}"  # noqa: S608
        " ORDER BY s.rowid DESC LIMIT %s"
    )
    return sql, [match, *params, limit]


def builds_holding(ids: Sequence[int], wanted: Wanted) -> set[int]:
    """Give those of some builds, a few, of which `wanted` is true, dates aside. What has no row yet is left out."""
    rows = SearchRow.objects.filter(pk__in=ids).values_list("pk", "tokens")
    return {pk for pk, tokens in rows if wanted.holds(tokens)}


def tokens_seen(tokens: Sequence[int], owner: int) -> set[int]:
    """Give those of some numbers, a few, that a build with the number `owner` has too: one query."""
    if not tokens:
        return set()
    params: list[list[Any]]
    if connection.vendor == "postgresql":
        each = "SELECT 1 FROM verifications_searchrow WHERE tokens @> ARRAY[%s, %s]::integer[]"
        params = [[value, owner] for value in tokens]
    else:
        each = "SELECT 1 FROM verifications_search_fts WHERE verifications_search_fts MATCH %s"
        params = [[f"{int(value)} AND {int(owner)}"] for value in tokens]
    sql = "SELECT " + ", ".join([f"EXISTS({each})"] * len(tokens))
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for row in params for value in row])
        return {value for value, is_there in zip(tokens, cursor.fetchone(), strict=True) if is_there}
