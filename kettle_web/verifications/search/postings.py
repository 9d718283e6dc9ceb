"""Builds by what is true of them, newest first: the one query of the search, in the two databases' words.

Both walk lists of builds that are kept in order and stop when enough is found. Nothing is ranked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from kettle_web.verifications.search.models import SearchRow

GROUP_MAX: Final = 500
"""Numbers of which any will do."""


@dataclass(frozen=True)
class Wanted:
    """What must be true of a build."""

    groups: tuple[frozenset[int], ...]
    """Numbers (`search.tokens`); of each group at least one. At least one group; an empty one is true of no build."""
    excluded: frozenset[int] = frozenset()
    """Of these none."""
    since: datetime | None = None
    until: datetime | None = None
    """When the build was submitted: from `since` on, before `until`."""

    def holds(self, tokens: Collection[int]) -> bool:
        """Whether this is true of a build with these numbers; dates are not looked at."""
        present = set(tokens)
        return all(present & group for group in self.groups) and not present & self.excluded


@dataclass(frozen=True)
class Span:
    """Ids of builds: from `low` on, below `high`; None: no bound."""

    low: int | None = None
    high: int | None = None


def builds_newest(wanted: Wanted, *, limit: int, span: Span = Span()) -> list[int]:
    """Give the ids of the newest builds in the span of which `wanted` is true, newest first."""
    if not wanted.groups or not all(wanted.groups):
        return []
    postgres = connection.vendor == "postgresql"
    what, params = _postgresql(wanted) if postgres else _sqlite(wanted)
    table, key = ("verifications_searchrow", "build_id") if postgres else ("verifications_search_fts", "rowid")
    for column, sign, value in ((key, ">=", span.low), (key, "<", span.high)):
        if value is not None:
            what.append(f"s.{column} {sign} %s")
            params.append(value)
    join = ""
    if wanted.since or wanted.until:
        join = f"JOIN builds_build b ON b.id = s.{key}"
        for sign, moment in ((">=", wanted.since), ("<", wanted.until)):
            if moment is not None:
                what.append(f"b.created_at {sign} %s")
                params.append(connection.ops.adapt_datetimefield_value(moment))
    # Names of ours; every value is a parameter.
    sql = f"SELECT s.{key} FROM {table} s {join} WHERE {' AND '.join(what)} ORDER BY s.{key} DESC LIMIT %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, limit])
        return [int(row[0]) for row in cursor.fetchall()]


def _sqlite(wanted: Wanted) -> tuple[list[str], list[Any]]:
    groups = " AND ".join(f"({' OR '.join(str(int(part)) for part in sorted(group))})" for group in wanted.groups)
    match = f"({groups}) NOT ({' OR '.join(str(int(part)) for part in sorted(wanted.excluded))})" if wanted.excluded else groups
    return ["verifications_search_fts MATCH %s"], [match]


def _postgresql(wanted: Wanted) -> tuple[list[str], list[Any]]:
    what: list[str] = []
    params: list[Any] = []
    if single := sorted(next(iter(group)) for group in wanted.groups if len(group) == 1):
        what.append("s.tokens @> %s::integer[]")
        params.append(single)
    for group in wanted.groups:
        if len(group) > 1:
            what.append("s.tokens && %s::integer[]")
            params.append(sorted(group))
    if wanted.excluded:
        what.append("NOT s.tokens && %s::integer[]")
        params.append(sorted(wanted.excluded))
    return what, params


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
