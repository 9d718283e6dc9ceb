"""How long results are kept: a set time, and a set space, the oldest going first. What is gone leaves a mark that says so.

Of a removed build only `request.json` and the mark stay, some hundred bytes, so that its address answers with a reason
and a server for one build does not take another. A build that has just ended is never removed for lack of space: whoever
asked for it must be able to fetch it.
"""

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kettle_web.builder.jobs import Job, JobStore

LOOK_SECONDS = 300.0
GRACE_SECONDS = 600.0
"""How long the newest results are safe from the bound on space."""
LEAST_SECONDS = 60.0
"""How long any result is kept, whatever was set: also what has just come and is not in line yet."""
MAX_MARKS = 10_000
"""Removed builds that are remembered; older ones are forgotten whole."""


@dataclass(frozen=True)
class Kept:
    """One build that has ended: when (seconds since 1970), and the bytes it takes."""

    job: Job
    ended: float
    size: int


class Keeper:
    """Removes what has been kept long enough. `active` says whether a job still waits or runs."""

    def __init__(self, store: JobStore, active: Callable[[str], bool], *, keep_seconds: float, keep_bytes: int) -> None:
        self._store, self._active, self._keep_seconds, self._keep_bytes = store, active, keep_seconds, keep_bytes

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.to_thread(self.look, time.time())
            await asyncio.sleep(LOOK_SECONDS)

    def look(self, now: float) -> None:
        """Remove what is too old at `now` (seconds since 1970), then the oldest until the rest fits."""
        kept = sorted(self._ended(), key=lambda one: one.ended)
        space = sum(one.size for one in kept)
        for one in kept:
            age = now - one.ended
            if age > max(self._keep_seconds, LEAST_SECONDS):
                reason = f"This build was removed: results are kept for {self._keep_seconds / 3600:g} hours here. Build it again."
            elif space > self._keep_bytes and age > GRACE_SECONDS:
                reason = "This build was removed to make room for newer ones. Build it again."
            else:
                if age > LEAST_SECONDS:  # What could not be removed at its end, or was left by a server that was killed.
                    with contextlib.suppress(OSError):
                        one.job.clean()
                continue
            with contextlib.suppress(OSError):  # One that cannot be removed must not keep the others here.
                one.job.remove(reason)
                space -= one.size
        marks = [job.folder for job in self._store.all() if job.removed]
        # One mark stays: a server for a single build never becomes as if it were new.
        for folder in marks[: max(0, len(marks) - MAX_MARKS)]:
            shutil.rmtree(folder, ignore_errors=True)

    def _ended(self) -> Iterator[Kept]:
        for job in self._store.all():
            if job.removed or self._active(job.id):
                continue
            with contextlib.suppress(OSError):
                size = sum(entry.stat().st_size for entry in os.scandir(job.folder) if entry.is_file(follow_symlinks=False))
                yield Kept(job, job.events.stat().st_mtime, size)
