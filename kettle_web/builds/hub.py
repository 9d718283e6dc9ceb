"""Reads a build's rows once for everyone who watches it in this process, and hands them to each.

One loop asks the database which of the watched builds have changed: every 250 ms, and at once when a bell rings (with
Redis). Rows become HTML once. A reader who cannot keep up is dropped and comes back with the number of its last row.
"""

from __future__ import annotations

import asyncio
import json
import logging
import weakref
from dataclasses import dataclass, field
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from kettle_web.builds.bells import bell_group
from kettle_web.builds.eventlog import StoredEvent
from kettle_web.builds.loglines import event_rows
from kettle_web.builds.logstore import events_numbered
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import state_document
from kettle_web.builds.states import TERMINAL
from kettle_web.builds.waiting import waiting_mark

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.25
PAGE_ROWS = 500
"""Events of one message: a late reader gets a log in pieces, each painted while the next one comes."""
SKIP_ROWS = 2000
"""Whoever is behind by more events than this is told how long the log is now, and fetches what they look at."""
QUEUE_MESSAGES = 64
"""A reader behind by more than this is dropped; it comes back and reads from the database at its own pace."""


@dataclass(frozen=True)
class Message:
    """One server-sent event."""

    event: str
    data: str
    """JSON without line breaks."""
    seq: int = 0
    """Number of the last row in it; 0: it moves nobody on."""
    first: int = 0
    """Number of its first row."""

    def encode(self) -> bytes:
        mark = f"id: {self.seq}\n" if self.seq else ""
        return f"{mark}event: {self.event}\ndata: {self.data}\n\n".encode()


def rows_message(events: list[tuple[int, StoredEvent]], last_seq: int = 0) -> Message:
    """Hand out events with the numbers of their first lines; `last_seq` is how far the stored log reached then.

    `line` is the last line that the message covers: where `rows` holds fewer, the viewer fetches them.
    """
    first, (last_line, last) = events[0][1], events[-1]
    line = last_line + last.line_count - 1
    rows: list[list[Any]] = []
    if line - events[0][0] < SKIP_ROWS:
        rows = [row for number, event in events for row in event_rows(event, number)]
    document = {"seq": last.seq, "line": line, "behind": max(0, last_seq - last.seq), "rows": rows}
    return Message("rows", json.dumps(document, separators=(",", ":")), last.seq, first.seq)


def skip_message(seq: int, line: int, first: int) -> Message:
    """Say that the log goes on to event `seq` and line `line` without handing out its rows."""
    document = {"seq": seq, "line": line, "behind": 0, "rows": []}
    return Message("rows", json.dumps(document, separators=(",", ":")), seq, first)


def reset_message(build: Build) -> Message:
    """The stored rows were replaced: begin the log afresh."""
    return Message("reset", json.dumps({"epoch": build.log_epoch}))


def state_message(build: Build) -> Message:
    return Message("state", json.dumps(state_document(build), separators=(",", ":")))


@dataclass(eq=False)
class Reader:
    """One connection: what it is to be sent, in order."""

    queue: asyncio.Queue[Message] = field(default_factory=lambda: asyncio.Queue(QUEUE_MESSAGES))
    is_dropped: bool = False

    def put(self, message: Message) -> None:
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.is_dropped = True


@dataclass
class _Watched:
    build_id: int
    position: int
    """Rows up to this number have been handed out."""
    epoch: int
    seen: tuple[Any, ...] = ()
    readers: set[Reader] = field(default_factory=set)


class Hub:
    """All watched builds of one process and event loop."""

    def __init__(self) -> None:
        self.watched: dict[int, _Watched] = {}
        self.task: asyncio.Task[None] | None = None
        self.bell = asyncio.Event()
        self.listener: asyncio.Task[None] | None = None
        self.silencer: asyncio.Future[None] | None = None
        self.channel = ""

    async def join(self, build: Build, reader: Reader) -> int:
        """Hand every later row to `reader`; give the number up to which it has to read for itself."""
        watched = self.watched.get(build.id)
        if watched is None:
            watched = self.watched[build.id] = _Watched(build.id, build.last_seq, build.log_epoch, _fingerprint(build))
        watched.readers.add(reader)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._run())
        if settings.ENV.redis_url:
            await self._listen(build.id)
        return watched.position

    def leave(self, build_id: int, reader: Reader) -> None:
        watched = self.watched.get(build_id)
        if watched is not None:
            watched.readers.discard(reader)
            if not watched.readers:
                del self.watched[build_id]
                if self.listener is not None:
                    self.silencer = asyncio.ensure_future(self._silence(build_id))

    async def _listen(self, build_id: int) -> None:
        layer = get_channel_layer()
        try:
            if self.listener is None or self.listener.done():
                self.channel = await layer.new_channel()
                self.listener = asyncio.create_task(self._hear())
            await layer.group_add(bell_group(build_id), self.channel)
        except Exception:
            logger.warning("No bell for build %s; it is polled.", build_id, exc_info=True)

    async def _silence(self, build_id: int) -> None:
        try:
            await get_channel_layer().group_discard(bell_group(build_id), self.channel)
        except Exception:
            logger.warning("The bell of build %s stays connected.", build_id, exc_info=True)

    async def _hear(self) -> None:
        layer = get_channel_layer()
        while self.watched:
            await layer.receive(self.channel)
            self.bell.set()

    async def _run(self) -> None:
        while self.watched:
            try:
                changed = await database_sync_to_async(_changed, thread_sensitive=False)(
                    {watched.build_id: (watched.position, watched.seen) for watched in self.watched.values()}
                )
                for build in changed:
                    if (watched := self.watched.get(build.id)) is not None:
                        await self._hand_out_alone(watched, build)
            except DatabaseError:
                logger.warning("The database does not answer; live pages wait.", exc_info=True)
            try:
                await asyncio.wait_for(self.bell.wait(), POLL_SECONDS)
            except TimeoutError:
                continue
            self.bell.clear()
        if self.listener is not None:
            self.listener.cancel()

    async def _hand_out_alone(self, watched: _Watched, build: Build) -> None:
        """What breaks for one build sends its own viewers away; the others' pages go on."""
        try:
            await self._hand_out(watched, build)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("Live pages of build %s broke.", build.uid)
            watched.seen = _fingerprint(build)
            for reader in watched.readers:
                reader.is_dropped = True

    async def _hand_out(self, watched: _Watched, build: Build) -> None:
        if build.log_epoch != watched.epoch:
            watched.epoch, watched.position = build.log_epoch, build.last_seq
            watched.seen = _fingerprint(build)
            _broadcast(watched, reset_message(build))
            return
        while watched.position < build.last_seq:
            rows = await database_sync_to_async(_rows, thread_sensitive=False)(build, watched.position)
            if rows is None:
                break
            watched.position = rows.seq
            _broadcast(watched, rows)
        if watched.seen[1:] != _fingerprint(build)[1:] or not watched.seen:
            _broadcast(watched, await database_sync_to_async(state_message, thread_sensitive=False)(build))
        watched.seen = _fingerprint(build)
        if build.state in TERMINAL:
            _broadcast(watched, Message("end", "{}"))


def _broadcast(watched: _Watched, message: Message) -> None:
    for reader in watched.readers:
        reader.put(message)


def _fingerprint(build: Build) -> tuple[Any, ...]:
    """What of a build makes live pages change; the first value is of the rows alone."""
    return (build.last_seq, build.state, build.log_epoch, build.verdict, tuple(sorted(build.phase_times)), tuple(waiting_mark(build)))


def _changed(known: dict[int, tuple[int, tuple[Any, ...]]]) -> list[Build]:
    return [build for build in Build.objects.filter(id__in=list(known)) if _fingerprint(build) != known[build.id][1]]


def _rows(build: Build, after: int) -> Message | None:
    return rows_after(build, after, build.last_seq)


def rows_after(build: Build, after: int, upto: int) -> Message | None:
    """Give the message that leads on from event `after` towards `upto`; None: there is nothing after it."""
    if upto - after > SKIP_ROWS and (tail := events_numbered(build, upto - PAGE_ROWS - 1, 1)):
        # The page takes the numbers now and the lines where someone looks: nothing is lost, and nobody waits for the rest.
        line, event = tail[0]
        return skip_message(event.seq, line + event.line_count - 1, after + 1)
    events = events_numbered(build, after, min(PAGE_ROWS, upto - after))
    return rows_message(events, upto) if events else None


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def hub_get() -> Hub:
    """Give the hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
