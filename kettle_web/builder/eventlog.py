"""A build's events as an append-only file: one JSON object a line, number one first. It outlives the server.

There is one writer at a time: the server before the build's own process starts and after it ended, that process in between.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

COMPLETE = b'{"type": "complete"'
"""How the last event begins; `event_line` writes `type` first."""
READ_BYTES = 1 << 18


def event_line(kind: str, **values: Any) -> bytes:
    """Give one event as its line, `type` first, without line breaks inside."""
    return json.dumps({"type": kind, **values}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


class EventWriter:
    """Appends events. Whole lines only, so that a reader never sees half an event of a living writer."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, lines: Iterable[bytes]) -> None:
        """Append lines as `event_line` gives them."""
        rest = memoryview(b"".join(lines))
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def event(self, kind: str, **values: Any) -> None:
        """Append one event."""
        self.write([event_line(kind, **values)])

    def say(self, kind: str, text: str) -> None:
        """Append one event that carries a message."""
        self.event(kind, msg=text)

    def complete(self, *, error: str | None = None, error_type: str | None = None) -> None:
        """Append the last event and make the file durable."""
        result = {"status": "ok"} if error is None else {"status": "failed", "error": error, "error_type": error_type}
        self.event("complete", result=result)
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


class EventTail:
    """Reads an event file from its start, or after some events, and on as it grows."""

    def __init__(self, path: Path, *, after: int = 0) -> None:
        self._path, self._after = path, after
        self._offset, self._part = 0, b""
        self.number = 0
        """How many events have been read, the skipped ones included."""
        self.complete = False
        """Whether the last event has been read."""

    def read(self) -> list[tuple[int, bytes]]:
        """Give the next events with their numbers, a bounded piece at a time; an empty list when there is nothing new."""
        while not self.complete:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(READ_BYTES)
            if not data:
                return []
            self._offset += len(data)
            found = list(self._take(data))
            if found:
                return found
        return []

    def _take(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        lines = (self._part + data).split(b"\n")
        self._part = lines.pop()
        for line in lines:
            self.number += 1
            self.complete = self.complete or line.startswith(COMPLETE)
            if self.number > self._after:
                yield self.number, line


def log_end(path: Path) -> list[dict[str, Any]]:
    """Give the last events of a build, as many as a bounded piece of the file holds."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - READ_BYTES))
        lines = file.read().split(b"\n")
    return [json.loads(line) for line in lines[:-1] if line.startswith(b"{") and line.endswith(b"}")]


def log_repair(path: Path) -> bool:
    """Cut a torn last line off (its writer was killed); say whether the build had ended."""
    if not path.exists():
        return False
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - READ_BYTES))
        end = file.read()
        whole = end.rfind(b"\n") + 1
        # Untouched when it is whole: its time tells when the build ended.
        if whole < len(end) and (whole or size <= READ_BYTES):
            file.truncate(size - len(end) + whole)
        last = end[:whole].rstrip(b"\n").rsplit(b"\n", 1)[-1]
    return last.startswith(COMPLETE)
