"""What is asked of the search index: which numbers, which dates, which ids. No query here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

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


EVERYWHERE: Final = Span()


def bounds_sql(wanted: Wanted, span: Span, key: str) -> tuple[str, str, list[Any]]:
    """Give the join and the conditions (each with AND before it) that hold the rows `s` to ids and dates, and their parameters."""
    what: list[str] = []
    params: list[Any] = []
    for sign, value in ((">=", span.low), ("<", span.high)):
        if value is not None:
            what.append(f"AND s.{key} {sign} %s")
            params.append(value)
    for sign, moment in ((">=", wanted.since), ("<", wanted.until)):
        if moment is not None:
            what.append(f"AND b.created_at {sign} %s")
            params.append(connection.ops.adapt_datetimefield_value(moment))
    has_dates = wanted.since is not None or wanted.until is not None
    return f"JOIN builds_build b ON b.id = s.{key}" if has_dates else "", " ".join(what), params
