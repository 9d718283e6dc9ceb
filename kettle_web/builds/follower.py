"""Follows the event streams of many builds at once: one asyncio loop in a thread of each Celery worker process.

It takes the lease of every build that is being built and that nobody follows, stores what its server says, and ends
with the terminal event. Whatever breaks in between, the next connection continues where the stored log ends.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

import httpx
from django.db import DatabaseError, connection
from django.utils import timezone

from kettle_web.builds import follow_store
from kettle_web.builds.endpoints import endpoint_async_client, endpoint_token
from kettle_web.builds.errors import LeaseLost
from kettle_web.builds.eventlog import Event
from kettle_web.builds.follow_build import BuildFollower, Target
from kettle_web.builds.follow_limits import FollowLimits, limits_of_site
from kettle_web.builds.follow_store import Ending, RemoteRow
from kettle_web.builds.leases import (
    LEASE_SECONDS,
    Lease,
    lease_release,
    lease_renew,
    leases_claim,
    owner_new,
)
from kettle_web.builds.models import Build, Endpoint
from kettle_web.builds.services import build_fail
from kettle_web.builds.states import Fault, State
from kettle_web.builds.submit import submission_lost
from kettle_web.core.patience import OUTAGE

logger = logging.getLogger(__name__)
AGAIN_SECONDS = 1.0
P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Runs database work in one thread of its own: one connection, and everything in order."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="follower-db")

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def call() -> T:
            try:
                return work(*args, **kwargs)
            except DatabaseError:
                # Perhaps the server went away: the next call makes a new connection.
                connection.close()
                raise

        return await asyncio.get_running_loop().run_in_executor(self.pool, call)

    async def close(self) -> None:
        # Looked up in the thread whose connection it is.
        await self(lambda: connection.close())
        self.pool.shutdown(wait=False)


class DatabaseStore:
    """`follow_build.Store` on the rows of one build."""

    def __init__(self, database: Database, build_id: int, owner: str) -> None:
        self.database, self.build_id, self.owner = database, build_id, owner
        self.endpoint: Endpoint | None = None

    def _target(self) -> Target:
        build = Build.objects.select_related("endpoint").filter(id=self.build_id, lease_owner=self.owner, state=State.BUILDING).first()
        if build is None or build.endpoint is None:
            raise LeaseLost
        if build.endpoint.dialect == Endpoint.Dialect.MULTIPART:
            # Nothing to follow: its worker held the connection that the result would have come by, and is gone.
            submission_lost(build, self.owner)
            raise LeaseLost
        self.endpoint = build.endpoint
        age = (timezone.now() - build.state_since).total_seconds()
        return Target(build.job_id, build.endpoint.base_url, endpoint_token(build.endpoint), build.remote_count, age)

    async def target(self) -> Target:
        return await self.database(self._target)

    async def client(self) -> httpx.AsyncClient:
        assert self.endpoint is not None
        # Reading the certificate store takes a while; the loop goes on meanwhile.
        return await asyncio.to_thread(endpoint_async_client, self.endpoint)

    async def rows(self) -> list[RemoteRow]:
        return await self.database(follow_store.remote_rows, self.build_id)

    async def append(self, events: list[Event], ending: Ending | None = None) -> None:
        await self.database(follow_store.events_append, self.build_id, self.owner, events, ending=ending)

    async def replace(self, keep_seq: int, keep_remote: int, events: list[Event]) -> None:
        await self.database(
            follow_store.events_replace,
            self.build_id,
            self.owner,
            keep_seq=keep_seq,
            keep_remote=keep_remote,
            events=events,
        )

    async def fail(self, fault: Fault, code: str, message: str) -> None:
        await self.database(build_fail, self.build_id, fault=fault, code=code, message=message, lease_owner=self.owner)


class Follower:
    """All builds that this process follows."""

    def __init__(self, limits: FollowLimits | None = None) -> None:
        self.limits = limits or limits_of_site()
        self.owner = owner_new()
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.database = Database()

    def _claim(self) -> list[int]:
        room = min(self.limits.builds - len(self.tasks), self.limits.claims)
        return leases_claim(State.BUILDING, owner=self.owner, limit=room)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow builds until `stop` is set, then let go of them."""
        renewed = time.monotonic()
        while not stop.is_set():
            try:
                for build_id in await self.database(self._claim):
                    self._begin(build_id)
                if time.monotonic() - renewed > LEASE_SECONDS / 3:
                    await self._renew()
                    renewed = time.monotonic()
            except DatabaseError:
                logger.warning("The database does not answer; the follower tries again.", exc_info=True)
            except Exception:
                # Without this loop no build would be followed any more.
                logger.exception("Looking for builds to follow broke; the follower tries again.")
            try:
                await asyncio.wait_for(stop.wait(), self.limits.poll_seconds)
            except TimeoutError:
                continue
        await self._let_go()

    def _begin(self, build_id: int) -> None:
        if build_id in self.tasks:
            # Our own lease ran out and we have taken it anew: the old task goes on under it.
            return
        task = asyncio.create_task(self._follow(build_id), name=f"follow-{build_id}")
        self.tasks[build_id] = task
        task.add_done_callback(lambda _done: self.tasks.pop(build_id, None))

    async def _follow(self, build_id: int) -> None:
        store = DatabaseStore(self.database, build_id, self.owner)
        while True:
            try:
                await BuildFollower(store, store.client, self.limits, self._pace).run()
                return
            except LeaseLost:
                logger.info("Build %s is no longer ours to follow.", build_id)
                return
            except OUTAGE:
                # What was read and not stored is asked for again; the lease, should it run out, is anyone's.
                logger.warning("The database does not answer; build %s is followed on afterwards.", build_id, exc_info=True)
                await asyncio.sleep(self.limits.backoff_seconds[0])
            except Exception:
                # Nothing that one stream does may end the others; the lease is let go, and the build is taken up again.
                logger.exception("Following build %s failed; it is taken up again.", build_id)
                await asyncio.sleep(self.limits.backoff_seconds[-1])
                with suppress(DatabaseError):
                    await self.database(lease_release, Lease(build_id, self.owner))
                return

    def _pace(self) -> float:
        return self.limits.batch_seconds * max(1.0, len(self.tasks) / self.limits.batch_builds)

    async def _renew(self) -> None:
        held = await self.database(lease_renew, list(self.tasks), self.owner)
        for build_id, task in list(self.tasks.items()):
            if build_id not in held:
                task.cancel()

    async def _let_go(self) -> None:
        tasks = dict(self.tasks)
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        try:
            for build_id in tasks:
                await self.database(lease_release, Lease(build_id, self.owner))
        finally:
            await self.database.close()


class FollowerThread:
    """Runs a `Follower` beside a worker's tasks."""

    def __init__(self, limits: FollowLimits | None = None) -> None:
        self.limits = limits
        self.loop: asyncio.AbstractEventLoop | None = None
        self.stop_event: asyncio.Event | None = None
        self.thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self, timeout: float = 5) -> None:
        if self.loop is not None and self.stop_event is not None and self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.stop_event.set)
            self.thread.join(timeout)

    def _run(self) -> None:
        while True:
            try:
                asyncio.run(self._main())
                return
            except Exception:
                logger.exception("The follower ended; it begins anew.")
                time.sleep(AGAIN_SECONDS)

    async def _main(self) -> None:
        self.loop, self.stop_event = asyncio.get_running_loop(), asyncio.Event()
        await Follower(self.limits).run(self.stop_event)
