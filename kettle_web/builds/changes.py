"""One stream for each browser that tells which builds changed, so that lists, titles and hidden tabs stay true.

One loop in each process and event loop asks the database for what runs, and for what ran a moment ago; what is visible to whom
is decided for each reader by the very rule of the lists. Nothing here says what a build is: pages read that from their own
addresses.
"""

from __future__ import annotations

import asyncio
import json
import logging
import weakref
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.db.models import Max

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import sees_all_builds
from kettle_web.builds.states import RUNNING, TERMINAL
from kettle_web.builds.watching import ALIVE_SECONDS, HEADERS, StreamConsumer, Watcher, watcher_of, watcher_user

logger = logging.getLogger(__name__)
POLL_SECONDS: Final = 0.5
MAX_RUNNING: Final = 2000
"""Builds that one poll looks at; the newest, should there ever be more."""
QUEUE_CHANGES: Final = 500
"""A reader behind by more than this is sent away; it comes back and its pages look at everything anew."""
_FIELDS: Final = ("id", "uid", "owner_id", "state", "verdict", "phase_times", "endpoint_id")


@dataclass(frozen=True)
class Change:
    """A build whose state, verdict or phases are not what they were."""

    uid: str
    owner_id: int
    state: str
    verdict: str
    is_new: bool

    def encode(self) -> bytes:
        document = {
            "uid": self.uid,
            "state": self.state,
            "verdict": self.verdict,
            "is_new": self.is_new,
            "is_over": self.state in TERMINAL,
        }
        return f"event: build\ndata: {json.dumps(document, separators=(',', ':'))}\n\n".encode()


@dataclass(eq=False)
class ChangeReader:
    """One browser."""

    owner_id: int | None
    """Whose builds it is told about; None: everyone's."""
    queue: asyncio.Queue[Change] = field(default_factory=lambda: asyncio.Queue(QUEUE_CHANGES))
    is_dropped: bool = False

    def put(self, change: Change) -> None:
        if self.owner_id is not None and self.owner_id != change.owner_id:
            return
        try:
            self.queue.put_nowait(change)
        except asyncio.QueueFull:
            self.is_dropped = True


_Print = tuple[Any, ...]


@dataclass
class Known:
    """What the last poll saw."""

    running: dict[int, _Print] = field(default_factory=dict)
    last_id: int = 0


def _print(row: dict[str, Any]) -> _Print:
    return (row["state"], row["verdict"], tuple(sorted(row["phase_times"])), row["endpoint_id"])


def changes_since(known: Known) -> list[Change]:
    """Give what changed since `known`, which is brought up to date. Three queries at most, each by an index."""
    rows = list(Build.objects.filter(state__in=RUNNING).order_by("-id").values(*_FIELDS)[:MAX_RUNNING])
    seen = {row["id"] for row in rows}
    # What ran a moment ago and does no more, and what began and ended between two looks.
    rows += Build.objects.filter(id__in=set(known.running) - seen).values(*_FIELDS)
    rows += Build.objects.filter(id__gt=known.last_id).exclude(state__in=RUNNING).order_by("id").values(*_FIELDS)[:MAX_RUNNING]
    changes = []
    for row in sorted(rows, key=lambda row: int(row["id"])):
        if known.running.get(row["id"]) != _print(row):
            changes.append(Change(row["uid"], row["owner_id"], row["state"], row["verdict"], row["id"] not in known.running))
    known.running = {row["id"]: _print(row) for row in rows if row["state"] in RUNNING}
    known.last_id = max(known.last_id, *(row["id"] for row in rows), 0)
    return changes


def known_now() -> Known:
    """Give what there is at this moment: changes are told from here on."""
    known = Known(last_id=Build.objects.aggregate(last=Max("id"))["last"] or 0)
    changes_since(known)
    return known


class ChangeHub:
    """All browsers of one process and event loop."""

    def __init__(self) -> None:
        self.readers: set[ChangeReader] = set()
        self.task: asyncio.Task[None] | None = None
        self.is_looking = asyncio.Event()

    async def join(self, reader: ChangeReader) -> None:
        """Tell `reader` of every change from now on; returns when it is certain that none goes by."""
        self.readers.add(reader)
        if self.task is None or self.task.done():
            self.is_looking.clear()
            self.task = asyncio.create_task(self._run())
        await self.is_looking.wait()

    def leave(self, reader: ChangeReader) -> None:
        self.readers.discard(reader)

    async def _run(self) -> None:
        known: Known | None = None
        while self.readers:
            try:
                if known is None:
                    known = await database_sync_to_async(known_now, thread_sensitive=False)()
                    self.is_looking.set()
                else:
                    self._tell(await database_sync_to_async(changes_since, thread_sensitive=False)(known))
            except DatabaseError:
                logger.warning("The database does not answer; lists wait.", exc_info=True)
            await asyncio.sleep(POLL_SECONDS)

    def _tell(self, changes: Iterable[Change]) -> None:
        for change in changes:
            for reader in self.readers:
                reader.put(change)


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, ChangeHub] = weakref.WeakKeyDictionary()


def change_hub_get() -> ChangeHub:
    """Give the hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), ChangeHub())


def _scope_of(watcher: Watcher) -> tuple[bool, int | None]:
    """Give whether the person may look at all, and whose builds they see (None: everyone's)."""
    user = watcher_user(watcher)
    if user is None:
        return False, None
    return True, None if sees_all_builds(user) else user.pk


async def _next(reader: ChangeReader, until: float) -> Change | None:
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            return await reader.queue.get()
    return None


class ChangeStream(StreamConsumer):
    """`GET /builds/changes`: `hello` at the beginning, `build` for each that changed, `alive` every now and then."""

    async def stream(self) -> None:
        watcher = await database_sync_to_async(watcher_of, thread_sensitive=False)(self.scope)
        may, owner_id = await database_sync_to_async(_scope_of, thread_sensitive=False)(watcher)
        if not may:
            await self.refuse(404)
            return
        await self.send_headers(status=200, headers=HEADERS)
        hub, reader = change_hub_get(), ChangeReader(owner_id)
        try:
            await hub.join(reader)
            await self.send_body(b"event: hello\ndata: {}\n\n", more_body=True)
            await self._follow(reader, watcher)
        finally:
            hub.leave(reader)
        await self.send_body(b"")

    async def _follow(self, reader: ChangeReader, watcher: Watcher) -> None:
        loop = asyncio.get_running_loop()
        look_at = loop.time() + ALIVE_SECONDS
        while not reader.is_dropped:
            # By the clock and not by silence: changes that never pause must not keep someone in.
            if loop.time() >= look_at or (change := await _next(reader, look_at)) is None:
                look_at = loop.time() + ALIVE_SECONDS
                if await database_sync_to_async(_scope_of, thread_sensitive=False)(watcher) != (True, reader.owner_id):
                    return
                await self.send_body(b"event: alive\ndata: {}\n\n", more_body=True)
                continue
            await self.send_body(change.encode(), more_body=True)


change_routes: list[tuple[str, Any]] = [(r"^builds/changes$", ChangeStream.as_asgi())]
