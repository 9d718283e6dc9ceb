"""Starts and ends the server: one data folder, one socket, one scheduler."""

import asyncio
import fcntl
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn

from kettle_web.builder.api import Api
from kettle_web.builder.jobs import JobStore
from kettle_web.builder.options import Options
from kettle_web.builder.parent import end_with_parent
from kettle_web.builder.retention import Keeper
from kettle_web.builder.scheduler import Scheduler

CLOSE_SECONDS = 2
BACKLOG = 512


class StartError(Exception):
    """The server cannot start; one sentence."""


def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartError."""
    if options.die_with_parent:
        end_with_parent(signal.SIGTERM)
    with _folder_lock(options.data), _socket(options.host, options.port) as listening:
        asyncio.run(_serve(options, listening))


async def _serve(options: Options, listening: socket.socket) -> None:
    store = JobStore(options.data)
    waiting = store.recover()
    scheduler = Scheduler(options)
    api = Api(options, store, scheduler)
    for job in waiting:
        scheduler.submit(job)
    keeper = Keeper(store, scheduler.active, keep_seconds=options.keep_hours * 3600, keep_bytes=options.keep_bytes)
    keeping = asyncio.create_task(keeper.run())
    config = uvicorn.Config(
        api.application(),
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    host, port = listening.getsockname()[:2]
    server = _Server(config, api.stopping, f"http://{f'[{host}]' if ':' in host else host}:{port}")
    try:
        await server.serve(sockets=[listening])
    finally:
        keeping.cancel()
        await scheduler.stop()


class _Server(uvicorn.Server):
    """uvicorn, with one line when it answers, and open streams closed when it ends."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, address: str) -> None:
        super().__init__(config)
        self._stopping, self._address = stopping, address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"listening on {self._address}\n")
        sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        self.should_exit = True


@contextmanager
def _folder_lock(data: Path) -> Iterator[None]:
    """Keep a second server off the data folder."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (data / "lock").open("w")
    except OSError as error:
        raise StartError(f"The data folder {data} cannot be used: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(f"Another server uses the data folder {data}.") from error
        yield


@contextmanager
def _socket(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        raise StartError(f"The server cannot listen on {host}, port {port}: {error.strerror}.") from error
    with listening:
        yield listening
