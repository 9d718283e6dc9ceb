"""Tasks that wait for another machine: each in a thread of its own beside the worker's few, so that one server which does not answer
keeps nobody from the others, and never a verification.

So many at once, by kind; where there is no room the task does nothing, and the sweeper brings its row again some seconds later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from django.db import connection

logger = logging.getLogger(__name__)
SUBMISSIONS: Final = 32
"""At once in one worker process. One server is given `queue.SENT_AT_ONCE` of them at most."""
FETCHES: Final = 16
CALLS: Final = 16
"""Of the program that supplies machines."""


class Aside:
    """Threads of one kind of work, at most `most` at once; None: any number."""

    def __init__(self, name: str, most: int | None) -> None:
        self.name = name
        self.room = threading.BoundedSemaphore(most) if most is not None else None

    def run(self, work: Callable[[int], None], number: int) -> bool:
        """Begin with `work(number)` and do not wait for it; False: there is no room, and nothing was done."""
        if self.room is not None and not self.room.acquire(blocking=False):
            return False
        # Not waited for when the worker ends: whatever it leaves undone is found in the rows.
        threading.Thread(target=self._run, args=(work, number), name=f"{self.name}-{number}", daemon=True).start()
        return True

    def _run(self, work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except Exception:
            logger.exception("%s %s broke; it is taken up again.", self.name, number)
        finally:
            connection.close()
            if self.room is not None:
                self.room.release()
