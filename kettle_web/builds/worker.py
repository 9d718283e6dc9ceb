"""What a Celery worker process runs beside its tasks: follower, sweeper and periodic work."""

from __future__ import annotations

import logging
from typing import Any

from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.db import connection

from kettle_web.builds.endpoints import endpoints_sync
from kettle_web.builds.errors import BuildError
from kettle_web.builds.follower import FollowerThread
from kettle_web.builds.leases import leases_free_dead
from kettle_web.builds.sweeper import SweeperThread
from kettle_web.core.patience import OUTAGE, database_patiently
from kettle_web.core.periodic import PeriodicThread

logger = logging.getLogger(__name__)
PREPARE_SECONDS = 60.0
_threads: list[FollowerThread | SweeperThread | PeriodicThread] = []


def _prepare() -> None:
    try:
        leases_free_dead()
        endpoints_sync(settings.ENV)
    except BuildError as error:
        logger.error("The configured Kettle servers cannot be used: %s", error.message)


@worker_ready.connect  # type: ignore[untyped-decorator]
def threads_start(**kwargs: Any) -> None:
    try:
        database_patiently(_prepare, seconds=PREPARE_SECONDS)
    except OUTAGE:
        # Leases of the dead run out by themselves; a worker without its threads would be of no use at all.
        logger.exception("The database does not answer; the worker starts all the same.")
    finally:
        connection.close()
    _threads.extend([FollowerThread(), SweeperThread(), PeriodicThread()])
    for thread in _threads:
        thread.start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def threads_stop(**kwargs: Any) -> None:
    while _threads:
        _threads.pop().stop()
