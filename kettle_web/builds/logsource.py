"""Where the lines of a build's log lie now: in rows while it runs, in one sealed object afterwards. Both are read alike."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol

from kettle_web.builds.eventlog import StoredEvent, chunk_decode
from kettle_web.builds.logformat import Index, frame_read, index_read
from kettle_web.builds.models import Build, EventChunk, SealedLog
from kettle_web.core.blobs import blob_open, blob_size

logger = logging.getLogger(__name__)
CACHED_PIECES: Final = 12
"""Unpacked pieces of logs that a process keeps: whoever reads on, reads the neighbour."""
CACHED_PIECE_BYTES: Final = 2 * 1024**2
"""A longer one is not kept."""
CACHED_INDEXES: Final = 64


class LogMoved(Exception):
    """What was to be read is not there any more: rows were merged or sealed meanwhile. Open the log again and go on."""


class LogSource(Protocol):
    """A log in pieces of consecutive events, from the first on."""

    sha256: str
    """Of the sealed object; empty while the log may grow."""
    lines: int
    events: int
    error_line: int | None
    """Known of sealed logs alone."""

    @property
    def count(self) -> int: ...

    def first_line(self, piece: int) -> int: ...

    def at_line(self, line: int) -> int:
        """Give the piece that holds a line, or the one that would."""

    def at_seq(self, seq: int) -> int: ...

    def read(self, piece: int) -> list[StoredEvent]:
        """Raises `LogMoved`."""


class _Cache:
    """The pieces that were read last, for all threads of the process."""

    def __init__(self) -> None:
        self.lock, self.kept = Lock(), OrderedDict[tuple[str, int], list[StoredEvent]]()

    def get(self, key: tuple[str, int]) -> list[StoredEvent] | None:
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
            return self.kept.get(key)

    def put(self, key: tuple[str, int], events: list[StoredEvent]) -> None:
        if sum(len(event.text) for event in events) > CACHED_PIECE_BYTES:
            return
        with self.lock:
            self.kept[key] = events
            while len(self.kept) > CACHED_PIECES:
                self.kept.popitem(last=False)


_cache = _Cache()
_indexes: OrderedDict[str, Index] = OrderedDict()
_indexes_lock = Lock()


@dataclass(frozen=True)
class _Row:
    id: int
    first_seq: int
    last_seq: int
    first_line: int


class RowSource:
    """The rows of a build whose log is not sealed, as they were when it was opened."""

    sha256 = ""
    error_line: int | None = None

    def __init__(self, build: Build) -> None:
        self.build = build
        self.rows: list[_Row] = []
        self.lines = 0
        rows = EventChunk.objects.filter(build_id=build.pk).order_by("first_seq")
        for pk, first_seq, last_seq, lines in rows.values_list("id", "first_seq", "last_seq", "lines"):
            self.rows.append(_Row(pk, first_seq, last_seq, self.lines + 1))
            self.lines += lines or sum(event.line_count for event in self._read(pk))
        self.events = self.rows[-1].last_seq if self.rows else 0

    @property
    def count(self) -> int:
        return len(self.rows)

    def first_line(self, piece: int) -> int:
        return self.rows[piece].first_line

    def at_line(self, line: int) -> int:
        return max(0, bisect_right(self.rows, line, key=lambda row: row.first_line) - 1)

    def at_seq(self, seq: int) -> int:
        return max(0, bisect_right(self.rows, seq, key=lambda row: row.first_seq) - 1)

    def read(self, piece: int) -> list[StoredEvent]:
        return self._read(self.rows[piece].id)

    def _read(self, pk: int) -> list[StoredEvent]:
        # A row never changes: merged ones are new ones. Only whether it is still there has to be asked.
        row, key = EventChunk.objects.filter(id=pk), (self.build.uid, pk)
        if (kept := _cache.get(key)) is not None:
            if row.exists():
                return kept
            raise LogMoved
        payload = row.values_list("payload", flat=True).first()
        if payload is None:
            raise LogMoved
        events = list(chunk_decode(bytes(payload)))
        _cache.put(key, events)
        return events


class SealedSource:
    """The sealed log of a build that has ended."""

    def __init__(self, sealed: SealedLog) -> None:
        self.sha256, self.size = sealed.sha256, sealed.size
        self.events, self.lines, self.error_line = sealed.events, sealed.lines, sealed.error_line
        self.index = _index(sealed.sha256)

    @property
    def count(self) -> int:
        return len(self.index.frames)

    def first_line(self, piece: int) -> int:
        return self.index.frames[piece].first_line

    def at_line(self, line: int) -> int:
        return self.index.at_line(line)

    def at_seq(self, seq: int) -> int:
        return max(0, bisect_right(self.index.frames, seq, key=lambda frame: frame.first_seq) - 1)

    def read(self, piece: int) -> list[StoredEvent]:
        if (kept := _cache.get((self.sha256, piece))) is not None:
            return kept
        with blob_open(self.sha256) as file:
            events = frame_read(file, self.index.frames[piece])
        _cache.put((self.sha256, piece), events)
        return events


def _index(sha256: str) -> Index:
    with _indexes_lock:
        if sha256 in _indexes:
            _indexes.move_to_end(sha256)
            return _indexes[sha256]
    with blob_open(sha256) as file:
        index = index_read(file, blob_size(sha256))
    with _indexes_lock:
        _indexes[sha256] = index
        while len(_indexes) > CACHED_INDEXES:
            _indexes.popitem(last=False)
    return index


def log_open(build: Build) -> LogSource:
    """Give a build's log as it lies now. Raises `BlobMissing`, `LogFormatError` where the sealed object is gone or broken."""
    for _attempt in range(3):
        sealed = SealedLog.objects.filter(build_id=build.pk).first()
        if sealed is not None:
            return SealedSource(sealed)
        try:
            rows = RowSource(build)
        except LogMoved:
            continue
        # Sealed between the two looks: the rows are gone, and the object is there.
        if rows.count or not SealedLog.objects.filter(build_id=build.pk).exists():
            return rows
    raise LogMoved
