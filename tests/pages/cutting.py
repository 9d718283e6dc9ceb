"""A proxy in front of a running site that cuts event streams when it is told to, as a bad network does."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends a reset instead of a farewell."""


class CuttingProxy:
    """Forwards TCP from a free loopback port; a connection that asks for an event stream can be cut in the middle of a byte."""

    def __init__(self, port: int) -> None:
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.streams: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.opened = 0
        """Streams that were asked for."""
        self.refuses = False
        """Whether new streams are cut before they begin."""
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> int:
        """Cut every stream there is; give how many."""
        with self.lock:
            streams, self.streams = self.streams, set()
        for stream in streams:
            _reset(stream)
        return len(streams)

    def close(self) -> None:
        self.listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self.target) as server:
            back = threading.Thread(target=_forward, args=(server, client), daemon=True)
            back.start()
            while data := client.recv(65536):
                if b"/events?" in data.partition(b"\r\n")[0]:
                    with self.lock:
                        self.opened += 1
                        self.streams.add(client)
                    if self.refuses:
                        _reset(client)
                        return
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            back.join(5)
        with self.lock:
            self.streams.discard(client)


def _forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _reset(stream: socket.socket) -> None:
    with contextlib.suppress(OSError):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        stream.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        stream.close()
