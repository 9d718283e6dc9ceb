"""Who is next: the order of those who wait and the reason why each of them does. Values in, values out; no database, no clock.

The rule. Each server or pool has a line of its own. In it people take turns: whoever has fewer builds there, running or further
ahead in the line, comes first; among equals whoever was served there longest ago, then whoever submitted first. One person's builds
keep the order they were submitted in.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Final

Key = tuple[str, int]
"""`("endpoint", id)` or `("pool", id)`."""
Rank = tuple[int, float, int]
"""What a line is sorted by: builds of the same person there that come before, when that person was served last, the build."""
HISTORY_LEAST: Final = 1
"""So many builds have to have run somewhere before anything is said about when the next one may start."""


class Reason(StrEnum):
    """Why a build has not begun. Stored with it; the words are in `builds.waiting`."""

    NEXT = "next"
    """Nothing keeps it: a worker takes it in a moment."""
    BACKING_OFF = "backing-off"
    OWN_LIMIT = "own-limit"
    ENDPOINT_LIMIT = "endpoint-limit"
    SENDING = "sending"
    UNHEALTHY = "unhealthy"
    POOL_EMPTY = "pool-empty"
    SPENT = "spent"
    OFF = "off"


@dataclass(frozen=True)
class Waiting:
    build_id: int
    owner_id: int
    key: Key
    not_before: datetime | None = None


@dataclass(frozen=True)
class Running:
    owner_id: int
    key: Key
    since: datetime


@dataclass(frozen=True)
class Place:
    """A server or pool as the line before it sees it."""

    room: int | None = None
    """Builds that may begin there now; None: any number."""
    limit: int | None = None
    """At a time; None: any number."""
    closed: Reason | None = None
    """Nothing may begin there, and why."""
    full: Reason = Reason.ENDPOINT_LIMIT
    """What it means when there is no room."""


@dataclass(frozen=True)
class Turn:
    position: int
    """In the line of its server or pool, from 1."""
    reason: Reason
    starts_at: datetime | None = None
    """About; None: unknown."""

    @property
    def may_start(self) -> bool:
        return self.reason is Reason.NEXT


@dataclass(frozen=True)
class Situation:
    waiting: Sequence[Waiting]
    running: Sequence[Running]
    places: dict[Key, Place]
    per_user: int = 0
    """Builds of one person at a time; 0: any number."""
    durations: dict[Key, list[float]] = field(default_factory=dict)
    """Seconds that recent builds took there."""
    served: dict[tuple[Key, int], datetime] = field(default_factory=dict)
    """When a build of that person last began there; missing: not lately."""


def queue_plan(situation: Situation, now: datetime) -> dict[int, Turn]:
    """Give every waiting build its turn. Those that may start fit into the room that there is, all of them together."""
    lines = _lines(situation)
    positions = {row.build_id: number for line in lines.values() for number, (_rank, row) in enumerate(line, 1)}
    reasons: dict[int, Reason] = {}
    room = {key: place.room for key, place in situation.places.items()}
    busy = Counter(row.owner_id for row in situation.running)
    for _rank, row in sorted((entry for line in lines.values() for entry in line), key=lambda entry: entry[0]):
        reasons[row.build_id] = reason = _reason(row, situation, room, busy, now)
        if reason is Reason.NEXT:
            busy[row.owner_id] += 1
            if (left := room[row.key]) is not None:
                room[row.key] = left - 1
    starts = _starts(lines, situation, now)
    return {
        build_id: Turn(positions[build_id], reason, starts.get(build_id) if reason is Reason.ENDPOINT_LIMIT else None)
        for build_id, reason in reasons.items()
    }


def _lines(situation: Situation) -> dict[Key, list[tuple[Rank, Waiting]]]:
    """The line before each place, in its order, each with its rank."""
    taken = Counter((row.key, row.owner_id) for row in situation.running)
    lines: dict[Key, list[tuple[Rank, Waiting]]] = defaultdict(list)
    for row in sorted(situation.waiting, key=lambda row: row.build_id):
        taken[row.key, row.owner_id] += 1
        served = situation.served.get((row.key, row.owner_id))
        lines[row.key].append(((taken[row.key, row.owner_id], served.timestamp() if served else 0.0, row.build_id), row))
    for line in lines.values():
        line.sort(key=lambda entry: entry[0])
    return lines


def _reason(row: Waiting, situation: Situation, room: dict[Key, int | None], busy: Counter[int], now: datetime) -> Reason:
    place = situation.places.get(row.key)
    if place is None:
        return Reason.OFF
    if place.closed is not None:
        return place.closed
    if row.not_before is not None and row.not_before > now:
        return Reason.BACKING_OFF
    if situation.per_user and busy[row.owner_id] >= situation.per_user:
        return Reason.OWN_LIMIT
    left = room[row.key]
    return place.full if left is not None and left <= 0 else Reason.NEXT


def _starts(lines: dict[Key, list[tuple[Rank, Waiting]]], situation: Situation, now: datetime) -> dict[int, datetime]:
    """When each place of a limited server is likely to become free, as its recent builds went, handed out along its line."""
    found: dict[int, datetime] = {}
    for key, line in lines.items():
        place, history = situation.places.get(key), situation.durations.get(key, [])
        if place is None or place.closed or not place.limit or len(history) < HISTORY_LEAST:
            continue
        usual = timedelta(seconds=median(history))
        free = [max(row.since + usual, now) for row in situation.running if row.key == key][: place.limit]
        free += [now] * (place.limit - len(free))
        heapq.heapify(free)
        for _rank, row in line:
            found[row.build_id] = heapq.heapreplace(free, max(free[0], row.not_before or now) + usual)
            found[row.build_id] = max(found[row.build_id], row.not_before or now)
    return found
