"""The queue by itself: places in line, room, ends."""

import asyncio
import json
from pathlib import Path

from kettle_web.builder.jobs import Job, JobStore, Request
from kettle_web.builder.options import Options
from kettle_web.builder.scheduler import Scheduler
from tests.builder.running import NONCE


class Held(Scheduler):
    """Its builds run until they are let go."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.gates: dict[str, asyncio.Event] = {}

    async def _process(self, job: Job) -> None:
        await self.gates.setdefault(job.id, asyncio.Event()).wait()

    async def let_go(self, job: Job) -> None:
        self.gates[job.id].set()
        await self.ended(job)
        await asyncio.sleep(0)


def told(job: Job) -> list[int | str]:
    """The places that a job was told, and the types of its other events."""
    events = [json.loads(line) for line in job.events.read_text().splitlines()]
    return [event.get("position", event["type"]) for event in events]


async def test_places_move_up_as_builds_end(tmp_path: Path) -> None:
    store, scheduler = JobStore(tmp_path), Held(Options(data=tmp_path, concurrency=2))
    jobs = [store.create(Request(nonce_hex=NONCE), None) for _ in range(5)]
    for job in jobs:
        scheduler.submit(job)
    await asyncio.sleep(0)
    assert [told(job) for job in jobs] == [[1, "vm"], [1, "vm"], [1], [2], [3]]
    await scheduler.let_go(jobs[1])
    assert [told(job) for job in jobs[2:]] == [[1, "vm"], [2, 1], [3, 2]]
    assert (scheduler.active(jobs[1].id), scheduler.active(jobs[4].id)) == (False, True)
    for job in (jobs[0], jobs[2], jobs[3], jobs[4]):
        await scheduler.let_go(job)
    assert told(jobs[4]) == [3, 2, 1, "vm"]


async def test_a_server_for_one_build_has_no_line(tmp_path: Path) -> None:
    store, scheduler = JobStore(tmp_path), Held(Options(data=tmp_path, single_build=True))
    job = store.create(Request(nonce_hex=NONCE), None)
    scheduler.submit(job)
    await asyncio.sleep(0)
    assert told(job) == []
    await scheduler.let_go(job)
