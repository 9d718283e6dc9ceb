"""Live pages: a build's rows and states as server-sent events. Access is checked first, and again as long as it runs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.http import Http404

from kettle_web.builds.hub import Hub, Message, Reader, hub_get, reset_message, rows_after, state_message
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import build_for_viewer
from kettle_web.builds.states import TERMINAL
from kettle_web.builds.watching import ALIVE_SECONDS, HEADERS, StreamConsumer, Watcher, watcher_of, watcher_user


def _build(watcher: Watcher, uid: str) -> Build | None:
    user = watcher_user(watcher)
    if user is None:
        return None
    try:
        return build_for_viewer(user, uid)
    except Http404:
        return None


async def _next(reader: Reader, until: float) -> Message | None:
    """Give what the hub hands out next; None: nothing did before the loop's clock said `until`."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            return await reader.queue.get()
    return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


class BuildStream(StreamConsumer):
    """`GET /builds/<uid>/events`: messages `rows`, `state`, `reset` (begin the log afresh) and `end`."""

    async def stream(self) -> None:
        uid = self.scope["url_route"]["kwargs"]["uid"]
        watcher = await database_sync_to_async(watcher_of, thread_sensitive=False)(self.scope)
        build = await database_sync_to_async(_build, thread_sensitive=False)(watcher, uid)
        if build is None:
            await self.refuse(404)
            return
        await self.send_headers(status=200, headers=HEADERS)
        hub, reader = hub_get(), Reader()
        try:
            await self._follow(hub, reader, build, watcher)
        finally:
            hub.leave(build.id, reader)
        await self.send_body(b"")

    async def _follow(self, hub: Hub, reader: Reader, build: Build, watcher: Watcher) -> None:
        sent, asked_epoch = self._asked(build)
        upto = await hub.join(build, reader)
        # Read again: what changed before we joined is in here, what changes from now on is handed to us.
        fresh = await database_sync_to_async(_build, thread_sensitive=False)(watcher, build.uid)
        if fresh is None:
            return
        build = fresh
        if build.state in TERMINAL:
            upto = build.last_seq
        if asked_epoch is not None and asked_epoch != build.log_epoch:
            # Another log than the one that the viewer has: their number means nothing in it.
            await self._send(reset_message(build))
            sent = 0
        sent = await self._send_stored(build, sent, upto)
        await self._send(await database_sync_to_async(state_message, thread_sensitive=False)(build))
        if build.state in TERMINAL:
            await self._send(Message("end", "{}"))
            return
        await self._watch(reader, build, watcher, sent)

    async def _watch(self, reader: Reader, build: Build, watcher: Watcher, sent: int) -> None:
        """Send what the hub hands out after row `sent`, until the build ends or the viewer may no longer see it."""
        loop = asyncio.get_running_loop()
        look_at = loop.time() + ALIVE_SECONDS
        while not reader.is_dropped:
            # By the clock and not by silence: a log that never pauses must not keep someone in.
            if loop.time() >= look_at or (message := await _next(reader, look_at)) is None:
                look_at = loop.time() + ALIVE_SECONDS
                fresh = await database_sync_to_async(_build, thread_sensitive=False)(watcher, build.uid)
                if fresh is None:
                    return
                message = await database_sync_to_async(state_message, thread_sensitive=False)(fresh)
            if message.seq and message.first <= sent:
                # The viewer is ahead of what this process has handed out: the rest of the message is read for it alone.
                sent = await self._send_stored(build, sent, message.seq)
                continue
            await self._send(message)
            sent = message.seq or sent
            if message.event in ("end", "reset"):
                return

    async def _send_stored(self, build: Build, sent: int, upto: int) -> int:
        """Send the stored rows after `sent` up to `upto`; give the number of the last one."""
        while sent < upto:
            message = await database_sync_to_async(rows_after, thread_sensitive=False)(build, sent, upto)
            if message is None:
                break
            await self._send(message)
            sent = message.seq
        return sent

    def _asked(self, build: Build) -> tuple[int, int | None]:
        """Give the number of the last row that the viewer has, and the epoch it belongs to where it says so."""
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        headers = {bytes(name).lower(): bytes(value) for name, value in self.scope["headers"]}
        last_id = headers.get(b"last-event-id", b"").decode("ascii", "replace")
        after = _number(last_id) or _number(query.get("after", ["0"])[0])
        epoch = query.get("epoch", [""])[0]
        return min(after, build.last_seq), _number(epoch) if epoch else None

    async def _send(self, message: Message) -> None:
        await self.send_body(message.encode(), more_body=True)


stream_routes: list[tuple[str, Any]] = [(r"^builds/(?P<uid>[^/]{1,26})/events$", BuildStream.as_asgi())]
