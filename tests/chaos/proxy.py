"""A TCP proxy between worker and builder that cuts and stalls connections. What it does follows from its seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from types import TracebackType

PIECE_BYTES = 4096
STALL_SECONDS = (0.2, 1.0)
AWAY_SECONDS = 45.0
CUTS = {b"/events": 0.5, b"/result": 0.2, b"POST": 0.03}
"""Which share of the connections that ask for this breaks on the way."""
UPTO_BYTES = {b"/events": 30_000, b"/result": 30_000, b"POST": 200}
"""Of the answer, at most, before it breaks."""


class Proxy:
    """Listens on a port of its own; `to` is the builder's. `cuts` counts what it broke."""

    def __init__(self, to: int, chance: random.Random) -> None:
        self.to, self.chance = to, chance
        self.cuts, self.stalls, self.is_calm = 0, 0, False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(5)

    def cut_all(self) -> None:
        """Break every connection that is open."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            self.cuts += 1
            writer.transport.abort()

    async def _main(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, sock=self._socket)
        self._started.set()
        await self._ended.wait()
        server.close()
        self._abort_all()
        # Aborted transports close their sockets in the loop's next rounds.
        await asyncio.sleep(0.1)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.read(PIECE_BYTES)
            back, forth = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, forth}
        limit = self._limit(head)
        try:
            forth.write(head)
            await asyncio.gather(self._pass(reader, forth, None), self._pass(back, writer, limit))
        finally:
            self._writers -= {writer, forth}
            for end in (writer, forth):
                with contextlib.suppress(OSError):
                    if limit is None:
                        await end.drain()
                end.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Wait for a builder that is being started again: one that is merely away must not make every outcome unknown."""
        end = asyncio.get_running_loop().time() + AWAY_SECONDS
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", self.to)
            except OSError:
                if asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(0.1)

    def _limit(self, head: bytes) -> int | None:
        """After how many bytes of the answer this connection is to break; None: never."""
        line = head.partition(b"\r\n")[0]
        word = next((word for word in CUTS if word in line), b"")
        if self.is_calm or self.chance.random() >= CUTS.get(word, 0):
            return None
        return self.chance.randrange(UPTO_BYTES[word])

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                if limit is not None and passed + len(piece) >= limit:
                    writer.write(piece[: limit - passed])
                    self.cuts += 1
                    break
                passed += len(piece)
                if limit is not None and self.chance.random() < 0.1:
                    self.stalls += 1
                    await asyncio.sleep(self.chance.uniform(*STALL_SECONDS))
                writer.write(piece)
                await writer.drain()
            if limit is not None:
                writer.transport.abort()
            elif writer.can_write_eof():
                writer.write_eof()
