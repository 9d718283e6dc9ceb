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
        """Bytes of UTF-8 that the log grows by, the line's end among them: a flood of empty lines is a flood, too."""
        return len(self.text) + 1 if self.text.isascii() else len(self.text.encode("utf-8", "replace")) + 1

    @property
    def line_count(self) -> int:
        """How many lines of the log it makes, at least one."""
        return event_text(self).count("\n") + 1


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

    @property
    def line_count(self) -> int:
        return event_text(self).count("\n") + 1


def event_text(event: Event | StoredEvent) -> str:
    """Give what the log shows of an event; one without a text shows its values, those of an inner object in its place."""
    if event.text or not event.extra:
        return event.text
    return ", ".join(_value_text(name, value) for name, value in event.extra.items())


def _value_text(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(_value_text(inner, part) for inner, part in value.items())
    return f"{name}: {value}"


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
"""Made once: `json.dumps` with separators makes an encoder for each call."""


def chunk_encode(first_seq: int, events: Iterable[Event | StoredEvent], level: int = LEVEL) -> bytes:
    lines = (_encode([seq, event.ms, event.type, event.text, event.extra]) for seq, event in enumerate(events, first_seq))
    return zlib.compress("\n".join(lines).encode("ascii"), level)


def chunk_decode(payload: bytes) -> Iterator[StoredEvent]:
    # All lines in one go: a call of the decoder for each costs more than the decoding.
    for seq, ms, kind, text, extra in json.loads(b"[" + zlib.decompress(payload).replace(b"\n", b",") + b"]"):
        yield StoredEvent(seq, ms, kind, text, extra)
