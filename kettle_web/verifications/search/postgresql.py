"""The search in PostgreSQL's words.

A GIN index gives all builds with a number, in no order; the primary key gives all builds newest first. For a number that many builds
have, walking the newest until enough are found is fast; for one that few have, the index is. The planner believes that a number's
builds are spread evenly over time and that a long list costs as much as a short one, and neither is so: here the choice is made by
what it knows of the most common numbers.
"""

from __future__ import annotations

import time
from typing import Any, Final

from django.db import connection

from kettle_web.verifications.search.tokens import Family, token_split
from kettle_web.verifications.search.wanted import Span, Wanted, bounds_sql

WALK_SHARE: Final = 0.05
"""Of all builds: a number that more of them have is looked for among the newest."""
WALKS_MAX: Final = 12
"""Walks in one query; beyond that even common numbers are asked of the index."""
REMEMBERED_SECONDS: Final = 300.0
_shares: dict[str, tuple[float, dict[int, float]]] = {}
"""Database to when its shares were read, and the share of builds that have a number."""


def postgresql_query(wanted: Wanted, limit: int, span: Span) -> tuple[str, list[Any]]:
    """Give the query for the newest builds and its parameters."""
    shares = shares_known()
    groups = sorted(set(wanted.groups), key=lambda group: sum(shares.get(part, 0.0) for part in group))
    # The rarest group leads; what all builds have need not be asked beside another.
    leading, others = groups[0], [group for group in groups[1:] if max(shares.get(part, 0.0) for part in group) < 1.0]
    packages = {part for part in leading if token_split(part)[0] is Family.PACKAGE} if not others and not wanted.excluded else set()
    plain = leading - packages
    common = sorted((part for part in plain if shares.get(part, 0.0) >= WALK_SHARE), key=lambda part: -shares[part])[:WALKS_MAX]
    rare = sorted(plain - set(common))
    join, bounds, bound_params = bounds_sql(wanted, span, "build_id")
    single = sorted(next(iter(group)) for group in others if len(group) == 1)
    more, more_params = _others([group for group in others if len(group) > 1], wanted.excluded)
    parts: list[str] = []
    params: list[Any] = []
    if packages:
        # Alone, they have a table that holds their builds in order, be they long ago.
        parts.append(
            "(SELECT s.build_id FROM unnest(%s::bigint[]) AS asked(pk) CROSS JOIN LATERAL (SELECT s.build_id FROM"  # noqa: S608
            f" verifications_buildpackage s {join} WHERE s.package_id = asked.pk {bounds} ORDER BY s.build_id DESC LIMIT %s) s)"
        )
        params += [sorted(token_split(part)[1] for part in packages), *bound_params, limit]
    for part in common:
        parts.append(
            f"(SELECT s.build_id FROM verifications_searchrow s {join} WHERE s.tokens @> %s::integer[] {more} {bounds}"  # noqa: S608
            " ORDER BY s.build_id DESC LIMIT %s)"
        )
        params += [[part, *single], *more_params, *bound_params, limit]
    if rare:
        # Each number by itself, with what else must be there: for a list of them the planner would read every row.
        parts.append(
            "(WITH found AS MATERIALIZED (SELECT s.build_id FROM unnest(%s::integer[]) AS a(part) CROSS JOIN LATERAL"  # noqa: S608
            " (SELECT r.build_id, r.tokens FROM verifications_searchrow r WHERE r.tokens @> (ARRAY[a.part] || %s::integer[]) OFFSET 0) s"
            f" {join} WHERE TRUE {more} {bounds}) SELECT DISTINCT build_id FROM found ORDER BY build_id DESC LIMIT %s)"
        )
        params += [rare, single, *more_params, *bound_params, limit]
    return f"SELECT DISTINCT build_id FROM ({' UNION ALL '.join(parts)}) u ORDER BY build_id DESC LIMIT %s", [*params, limit]  # noqa: S608


def _others(others: list[frozenset[int]], excluded: frozenset[int]) -> tuple[str, list[Any]]:
    what: list[str] = []
    params: list[Any] = []
    for group in others:
        what.append("AND s.tokens && %s::integer[]")
        params.append(sorted(group))
    if excluded:
        what.append("AND NOT s.tokens && %s::integer[]")
        params.append(sorted(excluded))
    return " ".join(what), params


def shares_known() -> dict[int, float]:
    """Give the share of builds that have a number, for those that PostgreSQL counts as common; none before it has analysed the table."""
    name = str(connection.settings_dict["NAME"])
    read_at, shares = _shares.get(name, (0.0, {}))
    if name in _shares and time.monotonic() - read_at < REMEMBERED_SECONDS:
        return shares
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT most_common_elems::text::integer[], most_common_elem_freqs FROM pg_stats"
            " WHERE schemaname = current_schema() AND tablename = 'verifications_searchrow' AND attname = 'tokens'"
        )
        row = cursor.fetchone()
    # The last frequencies are of no number: least, most, and of NULL.
    shares = dict(zip(row[0], row[1], strict=False)) if row and row[0] and row[1] else {}
    _shares[name] = (time.monotonic(), shares)
    return shares
