"""Events of a build as they are stored: chunks of consecutive events, compressed.

A chunk is zlib over UTF-8 lines, each a JSON array `[seq, unix time in milliseconds, type, text, extra]`.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

NOTE_TYPE = "site"
"""Type of the lines that this site itself puts into a log. A server's event of that type is renamed."""
LEVEL = 3
"""zlib: three quarters of what the slowest level saves, at a tenth of its time."""


@dataclass(frozen=True)
class Event:
    """An event to be stored; what comes from a server and what this site notes look the same."""

    type: str
    text: str
    extra: dict[str, Any] = field(default_factory=dict)
    ms: int = 0
    """When it reached us, Unix time in milliseconds."""

    @property
    def is_note(self) -> bool:
        return self.type == NOTE_TYPE

    @property
    def key(self) -> bytes:
        """16 bytes that are the same for the same event of the server, whenever it arrived."""
        document = json.dumps([self.type, self.text, self.extra], sort_keys=True, ensure_ascii=True)
        return hashlib.blake2b(document.encode(), digest_size=16).digest()

    @property
    def size(self) -> int:
        return len(self.text.encode("utf-8", "replace"))


@dataclass(frozen=True)
class StoredEvent:
    seq: int
    """Its number in the stored log; the first is 1."""
    ms: int
    type: str
    text: str
    extra: dict[str, Any]

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    @property
    def event(self) -> Event:
        return Event(self.type, self.text, self.extra, self.ms)


def chunk_encode(first_seq: int, events: Iterable[Event]) -> bytes:
    lines = (
        json.dumps([seq, event.ms, event.type, event.text, event.extra], ensure_ascii=True, separators=(",", ":"))
        for seq, event in enumerate(events, first_seq)
    )
    return zlib.compress("\n".join(lines).encode("ascii"), LEVEL)


def chunk_decode(payload: bytes) -> Iterator[StoredEvent]:
    for line in zlib.decompress(payload).split(b"\n"):
        if line:
            seq, ms, kind, text, extra = json.loads(line)
            yield StoredEvent(seq, ms, kind, text, extra)
