"""Refuses request bodies that no page can use, before Django writes them to disk."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.utils.translation import gettext as _

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class BodyLimit:
    """ASGI middleware: answers 413 to a request that announces, or turns out to have, more than `limit` bytes."""

    def __init__(self, application: Application, limit: int) -> None:
        self.application, self.limit = application, limit

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self.limit:
            await self._refuse(send)
            return
        received, refused = 0, False

        async def counted() -> Message:
            nonlocal received, refused
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                refused = True
                return {"type": "http.disconnect"}
            return message

        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        await self.application(scope, counted, noted)
        if refused and not started:
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        said = _("This request is larger than %(size)d MiB. Upload files through the page: it sends them in pieces.")
        text = said % {"size": self.limit // 1024**2} + "\n"
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})
