"""Who works on a build. The database owns the work: a lease in the row, renewed while it is held, free when it runs
out.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.builds.states import State

logger = logging.getLogger(__name__)
LEASE_SECONDS = 30.0
"""After this long without a sign of life someone else takes over."""


def owner_new() -> str:
    """Give a name for one holder of leases: machine, process, and something of its own."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class Lease:
    build_id: int
    owner: str


def lease_free(now: datetime) -> Q:
    """Rows that nobody works on and that may be tried now."""
    return (Q(lease_until=None) | Q(lease_until__lt=now)) & (Q(next_try_at=None) | Q(next_try_at__lte=now))


def lease_claim(build_id: int, states: Iterable[State], *, owner: str = "", seconds: float = LEASE_SECONDS) -> Lease | None:
    """Take the lease of a build in one of `states`; None: someone has it, it is not due, or its state is another."""
    now = timezone.now()
    lease = Lease(build_id, owner or owner_new())
    claimed = Build.objects.filter(lease_free(now), id=build_id, state__in=list(states)).update(
        lease_owner=lease.owner, lease_until=now + timedelta(seconds=seconds)
    )
    return lease if claimed else None


def leases_claim(state: State, *, owner: str, limit: int, seconds: float = LEASE_SECONDS) -> list[int]:
    """Take the leases of up to `limit` builds in `state` at once, oldest first; give those that were got."""
    now = timezone.now()
    free = Build.objects.filter(lease_free(now), state=state)
    ids = list(free.order_by("id").values_list("id", flat=True)[: max(limit, 0)])
    if not ids:
        return []
    until = now + timedelta(seconds=seconds)
    Build.objects.filter(lease_free(now), id__in=ids, state=state).update(lease_owner=owner, lease_until=until)
    return list(Build.objects.filter(id__in=ids, lease_owner=owner, lease_until=until).order_by("id").values_list("id", flat=True))


def lease_renew(build_ids: Iterable[int], owner: str, *, seconds: float = LEASE_SECONDS) -> set[int]:
    """Prolong the leases that `owner` holds; give the builds it still holds."""
    held = Build.objects.filter(id__in=list(build_ids), lease_owner=owner)
    held.update(lease_until=timezone.now() + timedelta(seconds=seconds))
    return set(held.values_list("id", flat=True))


def lease_release(lease: Lease) -> None:
    Build.objects.filter(id=lease.build_id, lease_owner=lease.owner).update(lease_owner="", lease_until=None)


def leases_free_dead() -> int:
    """Free the leases of processes of this machine that are gone, so that a restart need not wait for them to run out.

    Called before this process takes a lease of its own: one with its own process number is of a dead namesake.
    """
    host, freed = f"{socket.gethostname()[:30]}:", 0
    for owner in set(Build.objects.filter(lease_owner__startswith=host).values_list("lease_owner", flat=True)):
        number = owner[len(host) :].split(":")[0]
        if number.isdigit() and not (int(number) != os.getpid() and _is_alive(int(number))):
            freed += Build.objects.filter(lease_owner=owner).update(lease_owner="", lease_until=None, dispatched_at=None)
    return freed


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def lease_kept(lease: Lease) -> Iterator[threading.Event]:
    """Renew the lease in a thread of its own while the block runs, and release it afterwards.

    The event that is given is set when the lease was lost: the state changed, or another took over.
    """
    ended, lost = threading.Event(), threading.Event()

    def renew() -> None:
        try:
            pause = LEASE_SECONDS / 3
            while not ended.wait(pause):
                pause = LEASE_SECONDS / 3
                try:
                    if not lease_renew([lease.build_id], lease.owner):
                        lost.set()
                        return
                except DatabaseError:
                    logger.warning("The lease of build %s could not be renewed; trying again.", lease.build_id, exc_info=True)
                    connection.close()
                    # Once the database is back, before anybody else takes a lease that ran out meanwhile.
                    pause = min(pause, 1.0)
        finally:
            connection.close()

    keeper = threading.Thread(target=renew, name=f"lease-{lease.build_id}", daemon=True)
    keeper.start()
    try:
        yield lost
    finally:
        ended.set()
        keeper.join()
        lease_release(lease)
