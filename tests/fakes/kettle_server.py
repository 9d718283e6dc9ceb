"""A Kettle server that misbehaves on demand, on a loopback port of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

OK = {"type": "complete", "result": {"status": "ok"}}
FAILED = {"type": "complete", "result": {"status": "failed", "error": "cargo said no", "error_type": "BuildFailed"}}
JOB = "5f9c2f0e-1111-4222-8333-444455556666"


def lines(count: int, start: int = 1) -> list[dict[str, Any]]:
    return [{"type": "build", "msg": f"line {number}"} for number in range(start, start + count)]


@dataclass
class Script:
    """What the server does; change it while it runs."""

    events: list[dict[str, Any] | bytes] = field(default_factory=lambda: [*lines(3), OK])
    """Bytes are sent as the `data:` of an event, as they are."""
    released: int | None = None
    """How many events have happened yet; None: all."""
    numbered: bool = False
    """Sends `id:` lines, as our own builder does."""
    ignores_from: bool = False
    repeats_at_seam: bool = False
    """Repeats the last event of the replay as the first live one."""
    drop_after: int | None = None
    """Ends each connection after so many events."""
    drop_later: int = 0
    """Each connection lasts so many events longer than the one before."""
    loses: Callable[[int], bool] = lambda index: False
    """Which live events (from 0) this server drops; a replay has them all."""
    skips: tuple[int, ...] = ()
    """Events (from 0) that it never sends, though it numbers the others as if it had."""
    live_from: int | None = None
    """The first connection is told events from this index on as live, so that it can lose some."""
    ends_quietly: bool = False
    """Ends the stream where the events end, with no terminal one."""
    events_answer: Response | None = None
    build_answer: Response | None = None
    build_seconds: float = 0
    """Before the answer to a submission."""
    result: bytes = b"\x1f\x8b" + b"result" * 10
    result_answer: Response | None = None


class KettleServer:
    def __init__(self, **script: Any) -> None:
        self.script = Script(**script)
        self.submissions: list[dict[str, Any]] = []
        self.asked_from: list[int | None] = []
        self.downloads = 0
        self._server = uvicorn.Server(
            uvicorn.Config(self._application(), log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        )
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> KettleServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(5)
        self._socket.close()

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/build", self._build, methods=["POST"]),
                Route("/build/{job}/events", self._events),
                Route("/build/{job}/result", self._result),
            ]
        )

    async def _health(self, request: Request) -> Response:
        return PlainTextResponse("ok")

    async def _build(self, request: Request) -> Response:
        self.submissions.append(await request.json())
        await asyncio.sleep(self.script.build_seconds)
        return self.script.build_answer or Response(json.dumps({"job_id": JOB}), media_type="application/json")

    async def _result(self, request: Request) -> Response:
        self.downloads += 1
        return self.script.result_answer or Response(self.script.result, media_type="application/gzip")

    async def _events(self, request: Request) -> Response:
        asked = request.query_params.get("from")
        self.asked_from.append(int(asked) if asked else None)
        if self.script.events_answer is not None:
            return self.script.events_answer
        return StreamingResponse(self._stream(int(asked or 0)), media_type="text/event-stream")

    async def _stream(self, asked: int) -> AsyncIterator[bytes]:
        script, sent = self.script, 0
        first = 0 if script.ignores_from else asked
        connection = len(self.asked_from)
        happened = self._happened()
        drop_after = None if script.drop_after is None else script.drop_after + script.drop_later * (connection - 1)
        seam = happened if script.live_from is None or connection > 1 else script.live_from
        for index in range(first, seam):
            yield self._frame(index)
            sent += 1
            if drop_after is not None and sent >= drop_after:
                return
        if script.repeats_at_seam and seam > first and seam < len(script.events):
            yield self._frame(seam - 1)
        index = max(first, seam)
        while True:
            while index < self._happened():
                if not script.loses(index):
                    yield self._frame(index)
                    sent += 1
                index += 1
                if drop_after is not None and sent >= drop_after:
                    return
            if script.ends_quietly and index >= len(script.events):
                return
            yield b": still here\n\n"
            await asyncio.sleep(0.01)

    def _happened(self) -> int:
        return len(self.script.events) if self.script.released is None else self.script.released

    def _frame(self, index: int) -> bytes:
        if index in self.script.skips:
            return b": left out\n\n"
        event = self.script.events[index]
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        mark = b"id: %d\n" % (index + 1) if self.script.numbered else b""
        return mark + b"data: " + data + b"\n\n"


class BrokenServer:
    """Takes a connection, reads so many bytes (None: the whole request) and resets it."""

    def __init__(self, read_bytes: int | None, answer: bytes = b"") -> None:
        self.read_bytes, self.answer, self.connections = read_bytes, answer, 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> BrokenServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._read(connection)
            if self.answer:
                connection.sendall(self.answer)
                connection.close()
                continue
            # A reset instead of an orderly end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def _read(self, connection: socket.socket) -> None:
        if self.read_bytes is not None:
            connection.recv(self.read_bytes)
            return
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(body) < length:
            body += connection.recv(65536)
