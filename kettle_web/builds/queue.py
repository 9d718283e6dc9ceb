"""The queue before the Kettle servers: who may begin is decided here, and nowhere else.

Deciding takes the one row of `Queue`, so that two workers never give one place away twice. What pages show of the line (position,
reason, when) is written into the builds' own rows by the sweeper, so that no page and no live stream has to work it out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q

from kettle_web.builds.bells import bell_ring
from kettle_web.builds.leases import Lease
from kettle_web.builds.machines import machine_lease
from kettle_web.builds.models import Build, Endpoint, Pool, Queue
from kettle_web.builds.queue_plan import Key, Place, Reason, Running, Situation, Turn, Waiting, queue_plan
from kettle_web.builds.services import build_advance
from kettle_web.builds.states import State
from kettle_web.builds.unhealthy import UNHEALTHY_AFTER

ON_THE_SERVER: Final = (State.SUBMITTING, State.BUILDING)
"""States in which a build takes a place there."""
SENT_AT_ONCE: Final = 8
"""Submissions on their way to one server. One that takes them and does not answer would else keep every thread there is waiting."""
HISTORY_BUILDS: Final = 200
"""Recent ones, of all servers together, that tell how long a build takes."""
MOVED: Final = timedelta(seconds=60)
"""An expected beginning that changed by less is not written again."""
BELLS: Final = 200
"""Of live pages rung at once; the others poll."""
BATCH: Final = 500


def key_of(endpoint_id: int | None, pool_id: int | None) -> Key:
    return ("pool", pool_id) if pool_id is not None else ("endpoint", endpoint_id or 0)


def limit_of(endpoint: Endpoint) -> int:
    """Builds at a time; 0: any number."""
    return settings.BUILDS_PER_ENDPOINT if endpoint.max_running is None else endpoint.max_running


def limit_per_user() -> int:
    """Builds of one person at a time; 0: any number."""
    chosen = Queue.objects.values_list("per_user", flat=True).first()
    return settings.BUILDS_PER_USER if chosen is None else chosen


@contextmanager
def queue_held() -> Iterator[None]:
    """Hold the queue until the block's transaction ends: whoever else decides waits."""
    with transaction.atomic():
        if not Queue.objects.filter(id=1).update(passes=F("passes") + 1):
            Queue.objects.bulk_create([Queue(id=1)], ignore_conflicts=True)
            Queue.objects.filter(id=1).update(passes=F("passes") + 1)
        yield


def queue_take(build_id: int, lease: Lease, *, now: datetime) -> bool:
    """Let the build begin if it is its turn: a place, and from a pool a machine, is its own from then on.

    False: it waits on; the sweeper queues its task when its turn comes.
    """
    with queue_held():
        build = Build.objects.filter(id=build_id, state=State.QUEUED, lease_owner=lease.owner).select_related("endpoint").first()
        if build is None:
            return False
        turn = queue_turns(now)[build_id]
        if turn.may_start and _begin(build, lease, now):
            return True
        changes: dict[str, Any] = {"queue_position": turn.position, "queue_starts_at": turn.starts_at, "dispatched_at": None}
        reason = turn.reason if not turn.may_start else Reason.POOL_EMPTY
        Build.objects.filter(id=build_id, state=State.QUEUED).update(queue_reason=reason, **changes)
        transaction.on_commit(lambda: bell_ring(build_id), robust=True)
        return False


def _begin(build: Build, lease: Lease, now: datetime) -> bool:
    endpoint = machine_lease(build, now=now)
    if endpoint is None:
        return False
    cleared: dict[str, Any] = {"queue_position": None, "queue_reason": "", "queue_starts_at": None, "remote_position": None}
    return build_advance(build.id, State.SUBMITTING, lease_owner=lease.owner, tries=build.tries, endpoint=endpoint, **cleared)


def queue_pass(*, now: datetime) -> list[int]:
    """Write down what each waiting build waits for; give those whose turn it is, in their order."""
    if not Build.objects.filter(state=State.QUEUED).exists():
        return []
    turns = queue_turns(now)
    changed = []
    for build in Build.objects.filter(state=State.QUEUED).only("id", "queue_position", "queue_reason", "queue_starts_at"):
        turn = turns.get(build.id)
        if turn is not None and _differs(build, turn):
            build.queue_position, build.queue_reason, build.queue_starts_at = turn.position, turn.reason.value, turn.starts_at
            changed.append(build)
    if changed:
        # The filter is part of the UPDATE: a build that has begun meanwhile keeps what it has.
        waiting = Build.objects.filter(state=State.QUEUED)
        waiting.bulk_update(changed, ["queue_position", "queue_reason", "queue_starts_at"], batch_size=BATCH)
        for build in changed[:BELLS]:
            bell_ring(build.id)
    return [build_id for build_id, turn in turns.items() if turn.may_start]


def _differs(build: Build, turn: Turn) -> bool:
    if (build.queue_position, build.queue_reason) != (turn.position, turn.reason.value):
        return True
    before, after = build.queue_starts_at, turn.starts_at
    return (before is None) != (after is None) or (before is not None and after is not None and abs(before - after) >= MOVED)


def queue_turns(now: datetime) -> dict[int, Turn]:
    """Give the turn of every waiting build. Seven queries, however many wait."""
    waiting = [
        Waiting(row["id"], row["owner_id"], key_of(row["endpoint_id"], row["pool_id"]), row["next_try_at"])
        for row in Build.objects.filter(state=State.QUEUED).order_by("id").values("id", "owner_id", "endpoint_id", "pool_id", "next_try_at")
    ]
    rows = Build.objects.filter(state__in=ON_THE_SERVER).values("owner_id", "endpoint_id", "pool_id", "building_at", "state_since", "state")
    running = [
        Running(row["owner_id"], key_of(row["endpoint_id"], row["pool_id"]), row["building_at"] or row["state_since"]) for row in rows
    ]
    keys = {row.key for row in waiting}
    sending = Counter(key_of(row["endpoint_id"], row["pool_id"]) for row in rows if row["state"] == State.SUBMITTING)
    places = _places(keys, running, sending) | _pool_places(keys)
    return queue_plan(Situation(waiting, running, places, limit_per_user(), *_history(keys)), now)


def _places(keys: set[Key], running: list[Running], sending: Counter[Key]) -> dict[Key, Place]:
    taken: dict[Key, int] = defaultdict(int)
    for row in running:
        taken[row.key] += 1
    found = {}
    for endpoint in Endpoint.objects.filter(id__in=[number for kind, number in keys if kind == "endpoint"]):
        key: Key = ("endpoint", endpoint.id)
        limit = 1 if endpoint.kind == Endpoint.Kind.ONE_SHOT else limit_of(endpoint)
        room, ways = max(0, limit - taken[key]) if limit else None, max(0, SENT_AT_ONCE - sending[key])
        full = Reason.SENDING if room is None or ways < room else Reason.ENDPOINT_LIMIT
        room = ways if room is None else min(room, ways)
        found[key] = Place(room=room, limit=limit or None, closed=_closed(endpoint), full=full)
    return found


def _closed(endpoint: Endpoint) -> Reason | None:
    if not endpoint.is_enabled:
        return Reason.OFF
    if endpoint.spent_at is not None:
        return Reason.SPENT
    return Reason.UNHEALTHY if endpoint.health_failures >= UNHEALTHY_AFTER else None


def _pool_places(keys: set[Key]) -> dict[Key, Place]:
    free = Q(machines__is_enabled=True, machines__spent_at=None, machines__leased_build=None) & ~Q(machines__base_url="")
    pools = Pool.objects.filter(id__in=[number for kind, number in keys if kind == "pool"]).annotate(
        free=Count("machines", filter=free), sound=Count("machines", filter=free & Q(machines__health_failures__lt=UNHEALTHY_AFTER))
    )
    return {
        ("pool", pool.id): Place(
            room=pool.sound,
            closed=None if pool.is_enabled else Reason.OFF,
            # Machines that there are but do not answer are another reason than none at all.
            full=Reason.UNHEALTHY if pool.free > pool.sound else Reason.POOL_EMPTY,
        )
        for pool in pools
    }


def _history(keys: set[Key]) -> tuple[dict[Key, list[float]], dict[tuple[Key, int], datetime]]:
    """Give the seconds on the server of recent builds, by server, and when each person was last served there."""
    durations: dict[Key, list[float]] = defaultdict(list)
    served: dict[tuple[Key, int], datetime] = {}
    recent = Build.objects.filter(building_at__isnull=False).order_by("-id")
    columns = ("owner_id", "endpoint_id", "pool_id", "building_at", "fetching_at")
    for owner_id, endpoint_id, pool_id, began, ended in recent.values_list(*columns)[:HISTORY_BUILDS]:
        if (key := key_of(endpoint_id, pool_id)) in keys and began:
            served[key, owner_id] = max(began, served.get((key, owner_id), began))
            if ended:
                durations[key].append(max(0.0, (ended - began).total_seconds()))
    return durations, served
