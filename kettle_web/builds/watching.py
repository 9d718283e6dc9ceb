"""What every live stream has in common: who opened it, whether they may still look, and how a connection begins and ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import User

from kettle_web.accounts.selectors import must_change_password

ALIVE_SECONDS = 15.0
"""Between two signs of life; at each one it is looked up whether the viewer may still look."""
HEADERS = [
    (b"Content-Type", b"text/event-stream"),
    (b"Cache-Control", b"no-store"),
    (b"X-Accel-Buffering", b"no"),
    (b"X-Content-Type-Options", b"nosniff"),
]


@dataclass(frozen=True)
class Watcher:
    """Who opened a stream, and the session they did it with."""

    pk: int | None
    session_key: str | None
    """None: there was no session, only where a stream is opened without the site around it."""


def watcher_of(scope: dict[str, Any]) -> Watcher:
    """Give who opened the connection. Touches the session: not for an event loop."""
    user, session = scope.get("user"), scope.get("session")
    pk = user.pk if user is not None and user.is_authenticated else None
    return Watcher(pk, session.session_key if session is not None else None)


def watcher_user(watcher: Watcher) -> User | None:
    """Give the person as of now; None: nobody, or signed out since, or the account is closed."""
    user = User.objects.filter(pk=watcher.pk, is_active=True).first() if watcher.pk else None
    if user is None or must_change_password(user):
        return None
    if watcher.session_key is not None:
        # Signed out, or the password changed, since the stream began.
        stored = import_module(settings.SESSION_ENGINE).SessionStore(watcher.session_key).load()
        if stored.get(HASH_SESSION_KEY) != user.get_session_auth_hash():
            return None
    return user


class StreamConsumer(AsyncHttpConsumer):  # type: ignore[misc]
    """A GET that answers with server-sent events until it ends or the viewer leaves; `stream` does the work."""

    running: asyncio.Task[None] | None = None

    async def stream(self) -> None:
        raise NotImplementedError

    async def http_request(self, message: dict[str, Any]) -> None:
        # Not `handle`: it would hold up the dispatch, and a viewer who leaves would go unseen.
        if not message.get("more_body") and self.running is None:
            self.running = asyncio.create_task(self._begin())
            self.running.add_done_callback(self._ended)

    async def http_disconnect(self, message: dict[str, Any]) -> None:
        if self.running is not None:
            self.running.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self.running
        raise StopConsumer

    async def _begin(self) -> None:
        if self.scope["method"] != "GET":
            await self.refuse(405)
        else:
            await self.stream()

    def _ended(self, running: asyncio.Task[None]) -> None:
        if not running.cancelled():
            running.exception()

    async def refuse(self, status: int) -> None:
        headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"no-store")]
        await self.send_headers(status=status, headers=headers)
        await self.send_body(b"Not found\n" if status == 404 else b"Method not allowed\n")
