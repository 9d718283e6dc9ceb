"""The way out for a build's fetch phases: a small HTTP proxy that vets every address it connects to.

git, cargo and the others choose addresses by what a hostile project says (URLs, redirects, submodules). Inside the walls
they have no network but this proxy (see outlet); it resolves each host itself, connects only to a public address (or a
host that the operator has allowed), and so neither loopback nor the machine's network can be reached through a name that
resolves to it.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from kettle_web.outbound.addresses import host_vet_async
from kettle_web.outbound.errors import OutboundError

HEAD_BYTES = 64 << 10
"""Of a request's head: git's and cargo's take a few hundred bytes."""
CONNECT_SECONDS = 20.0
IDLE_SECONDS = 120.0
"""A connection that moves nothing for so long is closed."""
PIECE = 1 << 16


class EgressProxy:
    """Speaks CONNECT (https) and absolute-form requests (http). One upstream per connection, so a name is vetted once."""

    def __init__(self, allowed_hosts: Collection[str] = (), *, on_bytes: Callable[[int], bool] = lambda size: True) -> None:
        self._allowed_hosts = tuple(allowed_hosts)
        self._on_bytes = on_bytes
        """Called with the size of each piece that came from outside; False ends the connection."""
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Listen on a loopback port of its own; give the proxy's address."""
        listening = socket.create_server(("127.0.0.1", 0))
        await self.serve(listening)
        return "http://{}:{}".format(*listening.getsockname()[:2])

    async def serve(self, listening: socket.socket) -> None:
        """Serve a socket that listens already, in whatever network it was made."""
        self._servers.append(await asyncio.start_server(self._serve, sock=listening, limit=HEAD_BYTES))

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._request(reader, writer)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # A client that breaks off, or an upstream that does, ends this connection and nothing else.
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), CONNECT_SECONDS)
        line, _, rest = head.partition(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ")
        tunnel = method == "CONNECT"
        url = urlsplit(f"//{target}" if tunnel else target)
        host, port = url.hostname, url.port or 80
        if not host or (not tunnel and url.scheme != "http"):
            return await _answer(writer, 400, "Bad Request")
        try:
            addresses = await host_vet_async(host, port, self._allowed_hosts)
        except OutboundError:
            return await _answer(writer, 403, "This address may not be reached from a build")
        try:
            upstream = await asyncio.wait_for(asyncio.open_connection(str(addresses[0]), port), CONNECT_SECONDS)
        except (OSError, TimeoutError):
            return await _answer(writer, 502, "The host does not answer")
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            path = (url.path or "/") + (f"?{url.query}" if url.query else "")
            kept = [row for row in rest.split(b"\r\n") if not row.lower().startswith((b"proxy-", b"connection:"))]
            first = f"{method} {path} {version}\r\nConnection: close\r\n".encode("latin-1")
            upstream[1].write(first + b"\r\n".join(kept))
        await _pipe_both(reader, writer, *upstream, self._on_bytes)
        return None


async def _answer(writer: asyncio.StreamWriter, status: int, reason: str) -> None:
    writer.write(f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()


async def _pipe_both(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    up_reader: asyncio.StreamReader,
    up_writer: asyncio.StreamWriter,
    on_bytes: Callable[[int], bool],
) -> None:
    """Move bytes both ways until the upstream ends, or the client does."""
    tasks = [asyncio.create_task(_pipe(reader, up_writer)), asyncio.create_task(_pipe(up_reader, writer, on_bytes))]
    try:
        await asyncio.wait(tasks[1:])
    finally:
        up_writer.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(OSError):
            await up_writer.wait_closed()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_bytes: Callable[[int], bool] | None = None) -> None:
    while piece := await asyncio.wait_for(reader.read(PIECE), IDLE_SECONDS):
        if on_bytes is not None and not on_bytes(len(piece)):
            return
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
