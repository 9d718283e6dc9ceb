"""The queue: which jobs run, each in a process of its own, and what becomes of those whose process dies.

The process of a build leads a session of its own, so that one signal reaches it and what it started.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import kettle_web
from kettle_web.builder.eventlog import EventWriter, log_repair
from kettle_web.builder.jobs import STOPPED, Job, job_fail
from kettle_web.builder.options import Options

STOP_SECONDS = 3.0
"""How long a build's process may take to end its children before it is killed."""
CRASHED = "The build's own process ended before the build did."


class Scheduler:
    """Runs up to `concurrency` jobs; the others wait in order and are told their place."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._waiting: list[Job] = []
        self._running: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._stopping = False

    def submit(self, job: Job) -> None:
        """Put a job in line, and start it when there is room."""
        self._waiting.append(job)
        self._ends[job.id] = asyncio.Event()
        if not self._options.single_build:
            _tell(job, "queued", position=len(self._waiting))
        self._fill()

    def active(self, job_id: str) -> bool:
        """Say whether a job waits or runs."""
        return job_id in self._ends

    async def ended(self, job: Job) -> None:
        """Wait until a job has its last event."""
        if job.id in self._ends:
            await self._ends[job.id].wait()

    def _fill(self) -> None:
        moved = False
        while self._waiting and len(self._running) < self._options.concurrency and not self._stopping:
            job = self._waiting.pop(0)
            job.start()
            self._running[job.id] = asyncio.create_task(self._run(job))
            moved = True
        if moved:
            for position, job in enumerate(self._waiting, start=1):
                _tell(job, "queued", position=position)

    async def _run(self, job: Job) -> None:
        try:
            if not self._options.single_build:
                _tell(job, "vm", msg="Starting a fresh process for this build.")
            await self._process(job)
        except Exception as error:  # What fails here must not leave a build that never ends.
            if not log_repair(job.events):
                job_fail(job, f"The build could not be started: {error}.", "SandboxError")
            raise
        finally:
            self._running.pop(job.id, None)
            self._processes.pop(job.id, None)
            self._ends.pop(job.id).set()
            self._fill()

    async def _process(self, job: Job) -> None:
        with (job.folder / "worker.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "kettle_web.builder.worker", str(job.folder), str(os.getpid())),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": str(Path(kettle_web.__file__).parents[1])},
            )
        self._processes[job.id] = process
        if self._stopping:
            _signal(process, signal.SIGTERM)
        await process.communicate(json.dumps(self._options.to_json()).encode())
        _signal(process, signal.SIGKILL)
        if not log_repair(job.events):
            job_fail(job, STOPPED if self._stopping else CRASHED, "Interrupted")

    async def stop(self) -> None:
        """End every running build. Waiting ones stay in their folders and are taken up by the next server."""
        self._stopping = True
        for word in (signal.SIGTERM, signal.SIGKILL):
            for process in self._processes.values():
                _signal(process, word)
            if self._running:
                await asyncio.wait(self._running.values(), timeout=STOP_SECONDS)


def _tell(job: Job, kind: str, **values: object) -> None:
    writer = EventWriter(job.events)
    writer.event(kind, **values)
    writer.close()


def _signal(process: asyncio.subprocess.Process, word: signal.Signals) -> None:
    """Signal the process and its whole session's group; the group outlives its leader while it has members."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, word)
