"""Follows one build's event stream over as many connections as it takes."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Protocol

import httpx
from django.utils.translation import gettext as _

from kettle_web.builds.eventlog import NOTE_TYPE, Event
from kettle_web.builds.follow_limits import FollowLimits
from kettle_web.builds.follow_store import Ending, RemoteRow
from kettle_web.builds.replay import Aligner, Verdict
from kettle_web.builds.states import Fault
from kettle_web.kettle_api.aclient import follow
from kettle_web.kettle_api.errors import BadAnswer, CutOff, KettleError, NotFound, Refused, Unreachable
from kettle_web.kettle_api.events import RemoteEvent

logger = logging.getLogger(__name__)
EXTRA_BYTES = 16 * 1024
"""Of an event's other fields as JSON; they are shown on demand and need not hold a log."""


@dataclass(frozen=True)
class Target:
    """What a connection needs to know, read anew for each."""

    job_id: str
    base_url: str
    token: str
    remote_count: int
    age_seconds: float
    """Since the server took the build."""


class Store(Protocol):
    """What the follower does with the database; each call raises `LeaseLost` when the build is no longer ours."""

    async def target(self) -> Target: ...

    async def rows(self) -> list[RemoteRow]: ...

    async def append(self, events: list[Event], ending: Ending | None = None) -> None: ...

    async def replace(self, keep_seq: int, keep_remote: int, events: list[Event]) -> None: ...

    async def fail(self, fault: Fault, code: str, message: str) -> None: ...


class Unclear(Exception):
    """It cannot be told whether the server replays or continues."""


def event_of(remote: RemoteEvent, limits: FollowLimits, ms: int) -> Event:
    """Give a server's event within our bounds."""
    text, extra = remote.text, dict(remote.extra)
    if len(text) > limits.text_bytes:
        dropped = len(text) - limits.text_bytes
        text = text[: limits.text_bytes] + _(" […%(count)s more characters were cut off]") % {"count": dropped}
    if remote.type != "complete" and extra and len(json.dumps(extra)) > EXTRA_BYTES:
        extra = {"cut": True}
    kind = remote.type[:40] or "unnamed"
    return Event("site (server)" if kind == NOTE_TYPE else kind, text, extra, ms)


def _number(remote: RemoteEvent) -> int | None:
    """Give an event's own number where the server sends usable ones, 1 for the first."""
    return remote.remote_id if remote.remote_id else None


class Buffer:
    """Between the stream and the database: bounded by bytes, so that a fast server waits for a slow disk."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self.items: deque[tuple[int | None, Event]] = deque()
        self.error: BaseException | None = None
        self.filled, self.emptied = asyncio.Event(), asyncio.Event()

    async def fill(self, source: AsyncIterator[RemoteEvent], limits: FollowLimits) -> None:
        try:
            async with aclosing(source) as events:  # type: ignore[type-var]
                async for remote in events:
                    event = event_of(remote, limits, int(time.time() * 1000))
                    self.items.append((_number(remote), event))
                    self.size += event.size + 100
                    self.filled.set()
                    if event.type == "complete":
                        break
                    while self.size > self.limit:
                        self.emptied.clear()
                        await self.emptied.wait()
            self.error = CutOff("events.ended", "The stream ended without its terminal event.")
        except Exception as error:
            self.error = error
        finally:
            self.filled.set()

    async def take(self, limits: FollowLimits, pause: float) -> list[tuple[int | None, Event]]:
        """Give the next events, at least one. Raises what ended the stream once everything before it was taken."""
        await self.filled.wait()
        if not self.error:
            await asyncio.sleep(pause)
        taken = [self.items.popleft() for _ in range(min(len(self.items), limits.batch_events))]
        self.size -= sum(event.size + 100 for _, event in taken)
        self.emptied.set()
        if not self.items and not self.error:
            self.filled.clear()
        if not taken and self.error:
            raise self.error
        return taken


class BuildFollower:
    """Runs until the build has ended, or raises `LeaseLost`."""

    def __init__(
        self,
        store: Store,
        client: Callable[[], Awaitable[httpx.AsyncClient]],
        limits: FollowLimits,
        pace: Callable[[], float] | None = None,
    ) -> None:
        self.store, self.client, self.limits = store, client, limits
        self.pace = pace or (lambda: limits.batch_seconds)
        """How long events are gathered, in seconds: longer where many builds share one database."""
        self.ask_all = False
        self.numbered = False
        """Whether this server numbers its events."""
        self.trusts_numbers = True
        """Until numbers turn out to have gaps: then its events are compared, and replayed at the end, as if there were none."""
        self.news = False
        """Whether the present connection brought anything new."""

    async def run(self) -> None:
        failures, strangers, gone_since, interrupted = 0, 0, None, False
        while True:
            target = await self.store.target()
            if target.age_seconds > self.limits.build_seconds:
                hours = round(self.limits.build_seconds / 3600)
                said = _("The build took longer than %(hours)s hours; we stopped following it.") % {"hours": hours}
                await self.store.fail(Fault.BUILDER, "too-long", said)
                return
            self.news = False
            began = time.monotonic()
            try:
                if await self._connection(target, interrupted):
                    return
                continue
            except Unclear:
                self.ask_all = True
                continue
            except (KettleError, httpx.HTTPError, OSError) as error:
                problem: Exception = error
            if self.news or time.monotonic() - began > self.limits.steady_seconds:
                failures, strangers, gone_since = 0, 0, None
            strangers = strangers + 1 if isinstance(problem, (NotFound, BadAnswer, Refused)) else 0
            gone_since = gone_since or time.monotonic()
            gone = time.monotonic() - gone_since
            if strangers >= self.limits.unknown_tries or gone > self.limits.gone_seconds:
                await self._give_up(problem)
                return
            interrupted = True
            logger.info("The stream of job %s ended: %r; connecting again.", target.job_id, problem)
            await asyncio.sleep(self.limits.backoff_seconds[min(failures, len(self.limits.backoff_seconds) - 1)])
            failures += 1

    async def _give_up(self, problem: Exception) -> None:
        if isinstance(problem, NotFound):
            message = _("The Kettle server no longer knows this build. It was probably started anew; what it built is lost.")
            await self.store.fail(Fault.BUILDER, "job-unknown", message)
        elif isinstance(problem, CutOff) and problem.code == "events.ended":
            message = _("The server keeps ending its event stream without saying how the build went.")
            await self.store.fail(Fault.BUILDER, "no-complete", message)
        elif isinstance(problem, (BadAnswer, Refused)):
            message = _("The server's event stream cannot be read: %(said)s") % {"said": problem.message[:500]}
            await self.store.fail(Fault.BUILDER, "events-unreadable", message)
        else:
            message = _("The connection to the Kettle server was lost and did not come back. The build may still be running.")
            await self.store.fail(Fault.NETWORK, "stream-lost", message)

    async def _connection(self, target: Target, interrupted: bool) -> bool:
        """Store what one connection brings; True when the build has ended."""
        asked = 0 if self.ask_all else target.remote_count
        aligner: Aligner | None = None
        rows: list[RemoteRow] = []
        buffer = Buffer(self.limits.buffer_bytes)
        async with await self.client() as client:
            source = follow(client, target.base_url, target.job_id, after=asked, token=target.token)
            filler = asyncio.create_task(buffer.fill(source, self.limits))
            try:
                while True:
                    batch = await self._take(buffer, aligner)
                    if not self.trusts_numbers:
                        batch = [(None, event) for _number, event in batch]
                    if aligner is None:
                        self.numbered = batch[0][0] is not None
                        if not self.numbered and target.remote_count:
                            rows = await self.store.rows()
                            if len(rows) != target.remote_count and asked:
                                raise Unclear
                        stored = target.remote_count if self.numbered else len(rows)
                        aligner = Aligner([row.key for row in rows], stored=stored, asked=min(asked, stored))
                    if await self._store_batch(batch, aligner, rows, target, interrupted):
                        return True
                    interrupted = interrupted and not self.news
            finally:
                filler.cancel()
                with suppress(asyncio.CancelledError):
                    await filler

    async def _take(self, buffer: Buffer, aligner: Aligner | None) -> list[tuple[int | None, Event]]:
        pending = aligner is not None and aligner.is_pending and not self.ask_all
        try:
            return await asyncio.wait_for(buffer.take(self.limits, self.pace()), self.limits.pending_seconds if pending else None)
        except TimeoutError as error:
            raise Unclear from error

    async def _store_batch(
        self,
        batch: list[tuple[int | None, Event]],
        aligner: Aligner,
        rows: list[RemoteRow],
        target: Target,
        interrupted: bool,
    ) -> bool:
        fresh: list[Event] = []
        for number, event in batch:
            if event.type == "complete":
                await self._complete(fresh, event, target)
                return True
            if number is not None and number > aligner.stored + 1:
                await self._gap(fresh, aligner.stored + 1, number - 1)
            verdict = aligner.numbered(number) if number is not None else aligner.feed(event.key)
            if verdict is Verdict.UNCLEAR:
                raise Unclear
            if verdict is Verdict.REWRITE:
                position = aligner.position
                await self.store.replace(rows[position - 1].seq if position else 0, position, [])
            if verdict is not Verdict.SKIP:
                fresh.append(event)
        if fresh:
            self.news = True
            if interrupted:
                fresh.insert(0, Event(NOTE_TYPE, _("The connection to the server was interrupted; it continues here."), ms=fresh[0].ms))
            await self.store.append(fresh)
        return False

    async def _gap(self, fresh: list[Event], first: int, last: int) -> None:
        """Note that numbers are missing, and ask for everything once more. Raises `Unclear`."""
        said = _("The server left out its events %(first)d to %(last)d here.") % {"first": first, "last": last}
        await self.store.append([*fresh, Event(NOTE_TYPE, said, ms=int(time.time() * 1000))])
        self.trusts_numbers = False
        raise Unclear

    async def _complete(self, fresh: list[Event], complete: Event, target: Target) -> None:
        if fresh:
            await self.store.append(fresh)
        notes: list[Event] = []
        if not self.numbered:
            try:
                async with asyncio.timeout(self.limits.reconcile_seconds):
                    await self._reconcile(target)
            except (KettleError, httpx.HTTPError, OSError, TimeoutError):
                said = _("The server could not be asked for its whole log once more: lines may be missing here.")
                notes.append(Event(NOTE_TYPE, said, ms=complete.ms))
        await self.store.append([*notes, complete], Ending(complete.extra.get("result")))

    async def _reconcile(self, target: Target) -> None:
        """Make the stored log equal to the server's; a replay that is cut off is asked for again."""
        while True:
            try:
                await self._replay(target)
                return
            except (CutOff, Unreachable) as error:
                logger.info("The final replay of job %s: %s; trying again.", target.job_id, error.message)
                await asyncio.sleep(self.limits.backoff_seconds[-1] / 2)

    async def _replay(self, target: Target) -> None:
        """Read the server's log once more from its beginning and replace what differs."""
        rows = await self.store.rows()
        aligner = Aligner([row.key for row in rows], stored=len(rows), asked=0)
        times: dict[bytes, int] = {row.key: row.ms for row in reversed(rows)}
        fresh: list[Event] = []
        async with await self.client() as client:
            source = follow(client, target.base_url, target.job_id, after=0, token=target.token)
            async with aclosing(source) as events:  # type: ignore[type-var]
                async for remote in events:
                    event = event_of(remote, self.limits, int(time.time() * 1000))
                    if event.type == "complete":
                        break
                    if aligner.feed(event.key) is not Verdict.SKIP:
                        fresh.append(Event(event.type, event.text, event.extra, times.get(event.key, event.ms)))
                else:
                    raise CutOff("events.ended", "The stream ended without its terminal event.")
        position = aligner.position
        if fresh or position < len(rows):
            await self.store.replace(rows[position - 1].seq if position else 0, position, fresh)
