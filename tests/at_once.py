"""Several at once: threads on a real database, no mocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")
AT_ONCE = 8


def at_once(work: Callable[[int], T], count: int = AT_ONCE) -> list[T]:
    """Run `work` in so many threads that begin together."""
    gate = threading.Barrier(count)

    def run(number: int) -> T:
        gate.wait()
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
