"""A sealed log: one object of frames that can each be read alone, and at its end the index that finds them. Pure.

    "KETTLOG1"
    frame, frame, …          each as `eventlog.chunk_encode` makes it: consecutive events, compressed
    index                    zlib over JSON, see `Index`
    offset and length of the index (64 bits each, big-endian), "KETTLEND"

The same events always make the same bytes: sealing again after a crash comes to the same digest.
"""

from __future__ import annotations

import json
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final

from kettle_web.builds.eventlog import StoredEvent, chunk_decode, chunk_encode

MAGIC: Final = b"KETTLOG1"
_END: Final = struct.Struct(">QQ8s")
_END_MAGIC: Final = b"KETTLEND"
VERSION: Final = 1
FRAME_EVENTS: Final = 1000
FRAME_BYTES: Final = 256 * 1024
"""Of texts: what is read and unpacked to show one page of a log. A longer event has a frame of its own."""
FRAME_LEVEL: Final = 6
MAX_INDEX_BYTES: Final = 64 * 1024**2
"""Unpacked: two million frames."""
MAX_FRAME_BYTES: Final = 64 * 1024**2
"""Compressed. An event is bounded when it is stored; this only stops a broken index."""


class LogFormatError(ValueError):
    """The stored bytes are no sealed log, or not one of a version that this program reads."""


@dataclass(frozen=True)
class Frame:
    offset: int
    length: int
    first_seq: int
    first_line: int


@dataclass(frozen=True)
class Index:
    events: int
    lines: int
    error_line: int | None
    """Number of the first line that reads like an error."""
    frames: tuple[Frame, ...]

    def to_bytes(self) -> bytes:
        document = {
            "version": VERSION,
            "events": self.events,
            "lines": self.lines,
            "error_line": self.error_line,
            "frames": [[frame.offset, frame.length, frame.first_seq, frame.first_line] for frame in self.frames],
        }
        return zlib.compress(json.dumps(document, separators=(",", ":")).encode("ascii"), FRAME_LEVEL)

    def at_line(self, line: int) -> int:
        """Give the position of the frame that holds `line`; 0 where there is none."""
        return max(0, bisect_right(self.frames, line, key=lambda frame: frame.first_line) - 1)


class SealWriter:
    """Writes a sealed log from its beginning to its end; holds one frame in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.offset = file, 0
        self.frames: list[Frame] = []
        self.pending: list[StoredEvent] = []
        self.pending_size = self.pending_lines = 0
        self.events, self.lines = 0, 0
        self._write(MAGIC)

    def _write(self, data: bytes) -> None:
        self.file.write(data)
        self.offset += len(data)

    def add(self, event: StoredEvent) -> None:
        """Take the next event; their numbers must follow each other, from 1."""
        if event.seq != self.events + 1:
            raise LogFormatError(f"event {event.seq} after {self.events}")
        size = len(event.text)
        if self.pending and (len(self.pending) >= FRAME_EVENTS or self.pending_size + size > FRAME_BYTES):
            self._flush()
        self.pending.append(event)
        self.pending_size += size
        self.pending_lines += event.line_count
        self.events += 1

    def _flush(self) -> None:
        if not self.pending:
            return
        data = chunk_encode(self.pending[0].seq, self.pending, FRAME_LEVEL)
        self.frames.append(Frame(self.offset, len(data), self.pending[0].seq, self.lines + 1))
        self._write(data)
        self.lines += self.pending_lines
        self.pending, self.pending_size, self.pending_lines = [], 0, 0

    def finish(self, error_line: int | None) -> Index:
        self._flush()
        index = Index(self.events, self.lines, error_line, tuple(self.frames))
        data, at = index.to_bytes(), self.offset
        self._write(data)
        self._write(_END.pack(at, len(data), _END_MAGIC))
        return index


def index_read(file: BinaryIO, size: int) -> Index:
    """Read the index of a sealed log of `size` bytes. Raises `LogFormatError`."""
    if size < len(MAGIC) + _END.size:
        raise LogFormatError("too short")
    file.seek(size - _END.size)
    offset, length, magic = _END.unpack(_read(file, _END.size))
    if magic != _END_MAGIC or offset < len(MAGIC) or offset + length + _END.size != size:
        raise LogFormatError("no index at its end")
    file.seek(offset)
    unpacker = zlib.decompressobj()
    try:
        document = json.loads(unpacker.decompress(_read(file, length), MAX_INDEX_BYTES))
        if not unpacker.eof or document["version"] != VERSION:
            raise LogFormatError("an index that this program does not read")
        frames = tuple(Frame(*map(int, values)) for values in document["frames"])
        error_line = document["error_line"]
        return Index(int(document["events"]), int(document["lines"]), int(error_line) if error_line else None, frames)
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise LogFormatError("the index cannot be read") from error


def frame_read(file: BinaryIO, frame: Frame) -> list[StoredEvent]:
    """Read the events of one frame. Raises `LogFormatError`."""
    if not 0 < frame.length <= MAX_FRAME_BYTES:
        raise LogFormatError("a frame of no possible length")
    file.seek(frame.offset)
    try:
        return list(chunk_decode(_read(file, frame.length)))
    except (zlib.error, ValueError, TypeError) as error:
        raise LogFormatError("a frame cannot be read") from error


def _read(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) != length:
        raise LogFormatError("cut off")
    return data


def seal_write(file: BinaryIO, events: Iterable[StoredEvent]) -> Index:
    """Write all of `events`; the first error is not looked for."""
    writer = SealWriter(file)
    for event in events:
        writer.add(event)
    return writer.finish(None)
