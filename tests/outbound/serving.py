"""A server on loopback that does exactly what a test says: half answers, resets, silence."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Connection:
    """One accepted connection."""

    socket: socket.socket
    head: bytes = b""
    rest: bytes = b""

    def read_head(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.socket.recv(65536)
            if not part:
                break
            data += part
        self.head, _, self.rest = data.partition(b"\r\n\r\n")
        return self.head

    def read_body(self) -> bytes:
        """The whole body by its Content-Length."""
        for line in self.head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
                while len(self.rest) < length:
                    part = self.socket.recv(65536)
                    if not part:
                        break
                    self.rest += part
        return self.rest

    def reset(self) -> None:
        """End with RST, which discards what the client has not read."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def answer(self, body: bytes, *, status: str = "200 OK", length: int | None = None, **headers: str) -> None:
        told = len(body) if length is None else length
        lines = [
            f"HTTP/1.1 {status}",
            f"Content-Length: {told}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


@dataclass
class Served:
    port: int
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def serving(handle: Callable[[Connection, Served], None]) -> Iterator[Served]:
    """Serve connections one after the other, each closed after `handle`."""
    listener = socket.create_server(("127.0.0.1", 0))
    served = Served(listener.getsockname()[1])

    def run() -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            accepted.settimeout(10)
            with accepted:
                try:
                    handle(Connection(accepted), served)
                except OSError:
                    continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        # A blocked accept does not wake up from close alone.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)


def answering(body: bytes, **options: str) -> Callable[[Connection, Served], None]:
    """Read the whole request, keep it, and give one answer."""

    def handle(connection: Connection, served: Served) -> None:
        served.heads.append(connection.read_head())
        served.bodies.append(connection.read_body())
        connection.answer(body, **options)

    return handle
