"""Celery's queue as a folder, for the installation that has nothing but Python.

kombu's own writes a message under its final name and a reader may take it half written, which stops the worker. Here it
appears whole
or not at all, and a taken message is moved inside the same folder, so that two readers never get the same one.
"""

import json
import os
import time
import uuid
from queue import Empty
from typing import Any, ClassVar, Final

from kombu.transport import filesystem

DRAIN_SECONDS: Final = 0.2


class FolderChannel(filesystem.Channel):
    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        # kombu makes this folder but not the one above it.
        os.makedirs(str(self.control_folder), exist_ok=True)
        super()._queue_bind(exchange, routing_key, pattern, queue)  # type: ignore[no-untyped-call]

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = str(self.data_folder_out)
        os.makedirs(folder, exist_ok=True)
        # Wall-clock time, so that the order holds across processes and restarts.
        name = f"{time.time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        hidden = os.path.join(folder, f".{name}.new")
        with open(hidden, "wb") as file:
            file.write(json.dumps(payload).encode())
        os.replace(hidden, os.path.join(folder, name))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = str(self.data_folder_in)
        ending = f".{queue}.msg"
        try:
            names = sorted(name for name in os.listdir(folder) if name.endswith(ending) and not name.startswith("."))
        except FileNotFoundError:
            names = []
        for name in names:
            taken = os.path.join(folder, f".{name}.taken")
            try:
                os.rename(os.path.join(folder, name), taken)
            except FileNotFoundError:
                continue
            with open(taken, "rb") as file:
                data = file.read()
            os.unlink(taken)
            try:
                return json.loads(data)
            except ValueError:
                continue
        raise Empty

    def _size(self, queue: str) -> int:
        try:
            return sum(1 for name in os.listdir(str(self.data_folder_in)) if name.endswith(f".{queue}.msg"))
        except FileNotFoundError:
            return 0


class FolderTransport(filesystem.Transport):
    Channel = FolderChannel
    default_connection_params: ClassVar[dict[str, Any]] = {}
    """A folder has no host name to fall back to, and needs no warning about it."""

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:  # type: ignore[override]
        # A worker looks whether it is to stop between two calls of this, twice; it asks for 2 s each.
        super().drain_events(connection, timeout=min(timeout or DRAIN_SECONDS, DRAIN_SECONDS))  # type: ignore[no-untyped-call]
