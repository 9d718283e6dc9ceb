"""Work that returns: retention, health checks, judging again. Once for the whole site, whichever worker comes first.

An app says in its `AppConfig.ready` what is to be done and how often; each worker process has one thread that looks what is due
and claims it by a conditional update. Work must be safe to run twice, and may be killed at any moment.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from kettle_web.core.models import PeriodicRun

logger = logging.getLogger(__name__)
LOOK_SECONDS: Final = 1.0
CLAIM_SECONDS: Final = 30.0
"""A claim is renewed while its work runs: of a worker that was killed, another takes over after this long."""

Work = Callable[[datetime], object]
"""Takes the present time; what it gives is not looked at."""


@dataclass(frozen=True)
class Periodic:
    name: str
    """Stable: the row in the database is called so."""
    seconds: float
    """Between the beginnings of two runs."""
    work: Work
    limit_seconds: float
    """A run that takes longer counts as stuck, and another worker may begin."""


_registry: dict[str, Periodic] = {}


def periodic_register(name: str, work: Work, *, seconds: float, limit_seconds: float = 600) -> None:
    """Have `work` called about every `seconds` by one of the workers. The same name again replaces what was said before."""
    _registry[name] = Periodic(name, seconds, work, limit_seconds)


def periodic_run_due(*, now: datetime) -> list[str]:
    """Run what is due and nobody runs; give the names."""
    ran = []
    for periodic in list(_registry.values()):
        if _claim(periodic, now):
            _run(periodic, now)
            ran.append(periodic.name)
    return ran


def _claim(periodic: Periodic, now: datetime) -> bool:
    due = Q(began_at=None) | Q(began_at__lte=now - timedelta(seconds=periodic.seconds))
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lt=now)
    claim = PeriodicRun.objects.filter(due, unclaimed, name=periodic.name)
    until = now + timedelta(seconds=min(CLAIM_SECONDS, periodic.limit_seconds))
    if claim.update(claimed_until=until, began_at=now):
        return True
    if PeriodicRun.objects.filter(name=periodic.name).exists():
        return False
    PeriodicRun.objects.bulk_create([PeriodicRun(name=periodic.name)], ignore_conflicts=True)
    return bool(claim.update(claimed_until=until, began_at=now))


@contextmanager
def _kept(periodic: Periodic, now: datetime) -> Iterator[None]:
    """Renew the claim in a thread of its own while the block runs, up to the work's limit."""
    ended, end = threading.Event(), time.monotonic() + periodic.limit_seconds

    def renew() -> None:
        try:
            while not ended.wait(CLAIM_SECONDS / 3) and time.monotonic() < end:
                try:
                    until = timezone.now() + timedelta(seconds=CLAIM_SECONDS)
                    PeriodicRun.objects.filter(name=periodic.name, began_at=now).update(claimed_until=until)
                except DatabaseError:
                    logger.warning("The claim of periodic work %s could not be renewed.", periodic.name, exc_info=True)
                    connection.close()
        finally:
            connection.close()

    keeper = threading.Thread(target=renew, name=f"periodic-{periodic.name}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _run(periodic: Periodic, now: datetime) -> None:
    mine = PeriodicRun.objects.filter(name=periodic.name, began_at=now)
    try:
        with _kept(periodic, now):
            periodic.work(now)
    except DatabaseError:
        # Nothing can be written now: the claim runs out by itself.
        raise
    except Exception as error:
        logger.exception("Periodic work %s failed; it is tried again when it is due.", periodic.name)
        mine.update(claimed_until=None, error=f"{type(error).__name__}: {error}"[:500])
    else:
        mine.update(claimed_until=None, ended_at=timezone.now(), error="")


class PeriodicThread:
    """Runs what is due beside a worker's tasks."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._main, name="periodic", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self, timeout: float = 5) -> None:
        self.ended.set()
        if self.thread.is_alive():
            self.thread.join(timeout)

    def _main(self) -> None:
        while not self.ended.wait(LOOK_SECONDS):
            try:
                periodic_run_due(now=timezone.now())
            except DatabaseError:
                logger.warning("The database does not answer; periodic work waits.", exc_info=True)
                connection.close()
            except Exception:
                logger.exception("Periodic work broke; it is tried again.")
        connection.close()
