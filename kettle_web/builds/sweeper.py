"""Finds builds that stand still and queues them again. The database owns the work; the queue may lose all of it."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models import F, Q
from django.utils import timezone

from kettle_web.builds.leases import lease_free
from kettle_web.builds.models import Build
from kettle_web.builds.services import TASKS, build_dispatch

logger = logging.getLogger(__name__)
SWEEP_SECONDS = 1.0
AGAIN_SECONDS = 30
"""A queued task may wait this long for a free worker before it is queued again; run twice, it does nothing the
second time.
"""
BATCH = 500


def sweep(*, now: datetime) -> int:
    """Queue every build that nobody works on and whose task is not in the queue as far as we know; give how many."""
    stale = (
        Q(dispatched_at=None)
        | Q(dispatched_at__lt=now - timedelta(seconds=AGAIN_SECONDS))
        # The lease of a worker that has died ran out after the task was queued.
        | Q(lease_until__lt=now, dispatched_at__lt=F("lease_until"))
    )
    due = Build.objects.filter(lease_free(now), stale, state__in=list(TASKS))
    count = 0
    for build in due.order_by("id")[:BATCH]:
        # Only one of several sweepers gets to queue it.
        if Build.objects.filter(stale, id=build.id, state=build.state).update(dispatched_at=now):
            build_dispatch(build)
            count += 1
    return count


class SweeperThread:
    """Sweeps beside a worker's tasks."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self, timeout: float = 5) -> None:
        self.ended.set()
        if self.thread.is_alive():
            self.thread.join(timeout)

    def _run(self) -> None:
        while not self.ended.wait(SWEEP_SECONDS):
            now = timezone.now()
            try:
                sweep(now=now)
            except DatabaseError:
                logger.warning("The database does not answer; the sweeper tries again.", exc_info=True)
                connection.close()
            except Exception:
                logger.exception("Sweeping failed; it is tried again.")
        connection.close()
