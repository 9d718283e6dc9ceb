"""Waiting for a database that is locked, full or away for a while, where what is to be written must not get lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)
T = TypeVar("T")

OUTAGE: Final = (OperationalError, InterfaceError)
"""What a database raises that is locked, gone or out of room; anything else is wrong with what was asked of it."""
PATIENCE_SECONDS: Final = 300.0
PAUSE_SECONDS: Final = 1.0


def database_patiently(work: Callable[[], T], *, seconds: float = PATIENCE_SECONDS, sleep: Callable[[float], None] = time.sleep) -> T:
    """Do `work`, again and again while the database is away; `work` is safe to run twice and opens its own transaction.

    Raises what the database said last, after `seconds`. Inside of a transaction nothing is tried again: it is lost anyhow.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return work()
        except OUTAGE:
            if connection.in_atomic_block or time.monotonic() > end:
                raise
            logger.warning("The database does not answer; what is to be written waits.", exc_info=True)
            # Perhaps the server went away: the next try makes a new connection.
            connection.close()
            sleep(PAUSE_SECONDS)
