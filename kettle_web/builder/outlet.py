"""The only way out of a build's fetch phases: the egress proxy in a process of its own, and how a step reaches it.

Inside the walls there is no network at all, so that no program can go around the proxy: the kernel has nothing else to
offer. Without walls (`--no-sandbox`) the proxy listens on a loopback port, and programs are merely told to use it.
"""

import asyncio
import mmap
import os
import signal
import socket
import struct
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from kettle_web.builder.egress import EgressProxy
from kettle_web.builder.parent import end_with_parent
from kettle_web.builder.sandbox.walls import SYSTEM, Mount, Room

PORT = 3128
"""Inside the walls, where nobody else listens."""
INSIDE = "/run/egress.sock"
PROGRAM = (Path(__file__).parent / "sandbox" / "inside.py").read_text()
COUNTER = struct.Struct("=Q")
HAND_OVER_SECONDS = 2.0


class Outlet:
    """One build's way out. Made by a process without threads: it forks."""

    def __init__(self, folder: Path, *, hosts: Collection[str], max_bytes: int, walled: bool) -> None:
        self._max_bytes, self._walled = max_bytes, walled
        self._counted = mmap.mmap(-1, COUNTER.size)
        self._socket = folder / "egress.sock"
        listening = _unix_listen(self._socket) if walled else socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{PORT if walled else listening.getsockname()[1]}"
        """The proxy, as a step is told of it."""
        self._process = os.fork()
        if self._process == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                end_with_parent(signal.SIGKILL)
                asyncio.run(self._serve(listening, EgressProxy(hosts, on_bytes=self._count)))
            finally:
                os._exit(0)
        listening.close()

    def through(self, room: Room, command: Sequence[str]) -> tuple[Room, Sequence[str]]:
        """Give a room and a command line that have the way out."""
        if not self._walled:
            return room, command
        mounts = (*room.mounts, Mount(self._socket, INSIDE), *python_mounts())
        return replace(room, mounts=mounts), [str(python_inside()), "-I", "-S", "-c", PROGRAM, INSIDE, str(PORT), *command]

    def exceeded(self) -> bool:
        """Say whether the build wanted to fetch more than it may."""
        return int(COUNTER.unpack(self._counted[:])[0]) > self._max_bytes

    def close(self) -> None:
        """End the proxy."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        self._counted.close()

    def _count(self, size: int) -> bool:
        total = COUNTER.unpack(self._counted[:])[0] + size
        self._counted[:] = COUNTER.pack(total)
        return bool(total <= self._max_bytes)

    async def _serve(self, listening: socket.socket, proxy: EgressProxy) -> None:
        if not self._walled:
            await proxy.serve(listening)
        else:
            listening.setblocking(False)
            asyncio.get_running_loop().add_reader(listening, lambda: asyncio.ensure_future(proxy.serve(_socket_take(listening))))
        await asyncio.Event().wait()


def _unix_listen(path: Path) -> socket.socket:
    """Listen at a path of any length: the kernel takes 107 bytes, so the folder is named by its descriptor."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(f"/proc/self/fd/{folder}/{path.name}")
        listening.listen()
        return listening
    finally:
        os.close(folder)


def _socket_take(listening: socket.socket) -> socket.socket:
    """Take the listening socket that a step hands over."""
    connection, _ = listening.accept()
    with connection:
        connection.settimeout(HAND_OVER_SECONDS)
        _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
    return socket.socket(fileno=descriptors[0])


def python_inside() -> Path:
    """Give the Python that runs inside, whose path is the same there as outside."""
    return Path(sys.base_prefix).resolve() / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


def python_mounts() -> tuple[Mount, ...]:
    """Give what our own Python needs inside, at its own place: its libraries are found by it."""
    base = Path(sys.base_prefix).resolve()
    folders = [base / name for name in ("bin", "lib") if (base / name).is_dir()]
    return tuple(Mount(folder, str(folder)) for folder in folders if str(folder) not in SYSTEM)
