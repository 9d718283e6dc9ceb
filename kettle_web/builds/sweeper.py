"""Finds builds that stand still and sets them going. The database owns the work; the queue may lose all of it.

What lies due for some seconds is run right here, by a few threads of the sweeper's own: a message that was lost costs no more
than that. What lies longer, because there is more than these threads can do, is queued again. Run twice, a task does nothing the
second time: the lease decides.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from kettle_web.builds.leases import LEASE_SECONDS, lease_free
from kettle_web.builds.models import Build
from kettle_web.builds.queue import queue_pass
from kettle_web.builds.services import TASKS, build_dispatch
from kettle_web.builds.states import State
from kettle_web.celery import app

logger = logging.getLogger(__name__)
SWEEP_SECONDS = 1.0
PICKUP_SECONDS = 3
"""A message that is not lost is taken within a tenth of a second where a worker is free."""
PICKUP_THREADS = 2
AGAIN_SECONDS = 30
"""A queued task may wait this long for a free worker before it is queued again."""
BATCH = 500


def _due(now: datetime, seconds: float) -> tuple[QuerySet[Build], Q]:
    """Builds that nobody works on and whose task was put into the queue at least so long ago, and what makes them that."""
    stale = (
        Q(dispatched_at=None)
        | Q(dispatched_at__lt=now - timedelta(seconds=seconds))
        # The lease of a worker that has died ran out after the task was queued.
        | Q(lease_until__lt=now, dispatched_at__lt=F("lease_until"))
    )
    # Of those that wait for a server only the ones whose turn it is.
    is_turn = ~Q(state=State.QUEUED) | Q(id__in=queue_pass(now=now)[:BATCH])
    return Build.objects.filter(lease_free(now), stale, is_turn, state__in=list(TASKS)), stale


def _take(build: Build, stale: Q, now: datetime) -> bool:
    """Whether it is this sweeper, of several, that sets the build going."""
    return bool(Build.objects.filter(stale, id=build.id, state=build.state).update(dispatched_at=now))


def sweep(*, now: datetime) -> int:
    """Queue every build that nobody works on and whose task is not in the queue as far as we know; give how many."""
    due, stale = _due(now, AGAIN_SECONDS)
    count = 0
    for build in due.order_by("id")[:BATCH]:
        if _take(build, stale, now):
            build_dispatch(build)
            count += 1
    return count


def task_run(name: str, build_id: int) -> None:
    """Run a task here and now, without the queue."""
    app.tasks[name].run(build_id)


class Pickup:
    """Runs what the queue seems to have lost."""

    def __init__(self, run: Callable[[str, int], None] = task_run) -> None:
        self.run = run
        self.pool = ThreadPoolExecutor(PICKUP_THREADS, thread_name_prefix="pickup")
        self.running: set[int] = set()

    def look(self, *, now: datetime) -> int:
        """Begin with as many builds as there is room for, those that wait longest first; give how many."""
        room = PICKUP_THREADS - len(self.running)
        if room <= 0:
            return 0
        due, stale = _due(now, PICKUP_SECONDS)
        count = 0
        for build in due.exclude(id__in=self.running).order_by(F("dispatched_at").asc(nulls_first=True), "id")[:room]:
            if _take(build, stale, now):
                self.running.add(build.id)
                self.pool.submit(self._work, TASKS[State(build.state)], build.id)
                count += 1
        return count

    def _work(self, name: str, build_id: int) -> None:
        try:
            self.run(name, build_id)
        except Exception:
            logger.exception("%s of build %s broke; it is taken up again.", name, build_id)
        finally:
            self.running.discard(build_id)
            connection.close()

    def stop(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)


class SweeperThread:
    """Sweeps beside a worker's tasks."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self.pickup = Pickup()

    def start(self) -> None:
        self.thread.start()

    def stop(self, timeout: float = 5) -> None:
        self.ended.set()
        if self.thread.is_alive():
            self.thread.join(timeout)
        self.pickup.stop()

    def _run(self) -> None:
        pause = SWEEP_SECONDS
        while not self.ended.wait(pause):
            pause = SWEEP_SECONDS
            now = timezone.now()
            try:
                self.pickup.look(now=now)
                sweep(now=now)
            except DatabaseError:
                logger.warning("The database does not answer; the sweeper tries again.", exc_info=True)
                connection.close()
                # Who works on a build could not renew its lease meanwhile, and does so first.
                pause = LEASE_SECONDS / 6
            except Exception:
                logger.exception("Sweeping failed; it is tried again.")
        connection.close()
