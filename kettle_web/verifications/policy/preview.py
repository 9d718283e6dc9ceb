"""Which stored verdicts a change of the list would move, without touching a stored byte.

Only builds that carry a measurement of the changed entries can move; the index finds them. Three queries, whatever they find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, Subquery

from kettle_web.builds.models import Build
from kettle_web.verification.policy import Policy
from kettle_web.verification.rejudge import PARTS, verdict_under
from kettle_web.verification.report import ReportUnreadable
from kettle_web.verifications.models import Report
from kettle_web.verifications.policy.fragments import Move, MoveCount, Preview

MAX_EXAMINED: Final = 500
"""Newest builds that are looked at: a page waits for it, and a report takes about a millisecond."""
MOVES_SHOWN: Final = 50
_FIXED: Final = ("", "simulated", "unattested")
"""Verdicts that no allow-list changes: the anchor, or the lack of evidence, decides them first."""


def preview_make(*, after: Policy, measurements: Iterable[str], at: datetime, now: datetime, below: int | None = None) -> Preview:
    """What would move if `after` were in force at `at`, among builds with these measurements; `below`: with smaller keys only."""
    concerned = set(measurements)
    builds = Build.objects.filter(index__measurement__in=concerned)
    if below is not None:
        builds = builds.filter(pk__lt=below)
    newest = Report.objects.filter(build=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    judged = builds.exclude(verdict__in=_FIXED).order_by("-pk").annotate(newest=Subquery(newest))
    found = list(judged.values_list("pk", "newest")[: MAX_EXAMINED + 1])
    examined = found[:MAX_EXAMINED]
    moves = [move for row in _rows([newest for _pk, newest in examined]) if (move := _move(row, after, at))]
    counted = Counter((move.before, move.after) for _pk, move in moves)
    return Preview(
        counts=tuple(MoveCount(*pair, count) for pair, count in sorted(counted.items())),
        moves=tuple(move for _pk, move in moves[:MOVES_SHOWN]),
        moved_pks=tuple(pk for pk, _move in moves),
        examined=len(examined),
        is_capped=len(found) > MAX_EXAMINED,
        oldest_pk=examined[-1][0] if examined else 0,
        measurements=tuple(sorted(concerned)),
        simulated=builds.filter(verdict="simulated")[: MAX_EXAMINED + 1].count(),
        at=at,
        is_later=at > now,
    )


def _rows(keys: list[int]) -> Iterable[dict[str, Any]]:
    parts = {f"document__{name}" for name in PARTS}
    of_build = ("build_id", "build__uid", "build__label", "build__repo_url", "build__source_name")
    rows = Report.objects.filter(pk__in=keys).order_by("-build_id").values("verdict", *of_build, *parts)
    found: Iterable[dict[str, Any]] = rows.iterator(chunk_size=50)
    return found


def _move(row: dict[str, Any], after: Policy, at: datetime) -> tuple[int, Move] | None:
    try:
        verdict = verdict_under(after, {name: row[f"document__{name}"] for name in PARTS}, at)
    except ReportUnreadable:
        # Of an older version of ours: it is judged anew only with its bytes.
        return None
    if verdict.value == row["verdict"]:
        return None
    title = row["build__label"] or row["build__repo_url"] or row["build__source_name"] or row["build__uid"]
    return row["build_id"], Move(row["build__uid"], title, row["verdict"], verdict.value)
