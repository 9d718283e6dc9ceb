"""A build's log, from its first line to its last: read by line or by event, and sealed when the build has ended.

Nobody else reads the rows. What is read here is the same before, while and after a log is sealed.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import BinaryIO, Final

from django.db import connection, transaction
from django.utils.translation import gettext as _

from kettle_web.builds.eventlog import NOTE_TYPE, StoredEvent, chunk_decode
from kettle_web.builds.logerrors import is_error
from kettle_web.builds.logformat import Index, SealWriter
from kettle_web.builds.loglines import Line, lines_numbered, lines_of
from kettle_web.builds.logsource import LogMoved, LogSource, log_open
from kettle_web.builds.models import Build, EventChunk, SealedLog
from kettle_web.builds.states import TERMINAL
from kettle_web.core.blobs import Blob, blob_adopt, blob_hold, scratch_file
from kettle_web.core.disk import disk_errors

logger = logging.getLogger(__name__)
MOVES: Final = 100
"""How often a log may move while one reader reads it; it moves once in a thousand lines, and once in its life for good."""
SEAL_SECONDS: Final = 10.0
"""After so long one periodic run begins with no further log; the next run goes on. Other periodic work waits for it."""
SEAL_LOOK: Final = 500
"""Logs that one run looks at, those among them that cannot be sealed: they hold nobody up."""
BATCH_LINES: Final = 2000


def log_source(build: Build) -> LogSource:
    return log_open(build)


def log_events(build: Build, after: int = 0) -> Iterator[StoredEvent]:
    """Yield the stored events after number `after`."""
    for _line, event in _numbered(build, seq=after + 1):
        yield event


def events_numbered(build: Build, after: int, limit: int) -> list[tuple[int, StoredEvent]]:
    """Give up to `limit` events after number `after`, each with the number of its first line."""
    return list(islice(_numbered(build, seq=after + 1), limit))


def _numbered(build: Build, *, seq: int = 1, line: int = 1) -> Iterator[tuple[int, StoredEvent]]:
    """Yield events from number `seq` on that reach to `line` or beyond, each with the number of its first line."""
    for _move in range(MOVES):
        source = log_open(build)
        first = max(source.at_seq(seq), source.at_line(line))
        try:
            for piece in range(first, source.count):
                number = source.first_line(piece)
                for event in source.read(piece):
                    count = event.line_count
                    if event.seq >= seq and number + count > line:
                        yield number, event
                        seq = event.seq + 1
                    number += count
            return
        except LogMoved:
            continue
    raise LogMoved


def numbered_from(build: Build, line: int) -> Iterator[tuple[int, StoredEvent]]:
    """Yield the events that reach to `line` or beyond, each with the number of its first line."""
    return _numbered(build, line=line)


def lines_iter(build: Build, first: int = 1, last: int | None = None) -> Iterator[Line]:
    """Yield the lines from number `first` to `last`."""
    for found in lines_numbered(_numbered(build, line=first)):
        if last is not None and found.number > last:
            return
        if found.number >= first:
            yield found


def log_lines(build: Build, first: int, last: int) -> list[Line]:
    """Give the lines from number `first` to `last`, both included; fewer where the log ends before."""
    return list(lines_iter(build, first, last))


def log_bytes_iter(build: Build, first: int = 1, last: int | None = None, *, is_stamped: bool = False) -> Iterator[bytes]:
    """Yield the log as a text file in pieces: line `n` of the file is line `n` of the log when it begins with the first."""
    lines = lines_iter(build, first, last)
    while batch := list(islice(lines, BATCH_LINES)):
        yield "".join(f"{line.stamped if is_stamped else line.plain}\n" for line in batch).encode("utf-8", "replace")


def log_seal(build_id: int) -> bool:
    """Seal the log of a build that has ended, once; give whether it is sealed afterwards.

    Killed anywhere it leaves the rows as they were; the object that may lie in storage already is nobody's until it is committed.
    """
    build = Build.objects.filter(id=build_id, state__in=TERMINAL, last_seq__gt=0, log_removed_at=None).first()
    if build is None:
        return False
    if SealedLog.objects.filter(build_id=build_id).exists():
        return True
    with scratch_file() as scratch:
        with disk_errors():
            index = _seal_write(build, scratch.file)
        blob = _blob_of(scratch.file)
        with disk_errors():
            blob_adopt(scratch, blob)
    with transaction.atomic():
        # The row is the lock: nobody seals twice, and a log that was replaced meanwhile is sealed another time.
        same = {"last_seq": build.last_seq, "log_epoch": build.log_epoch, "log_removed_at": None}
        is_same = Build.objects.select_for_update().filter(id=build_id, **same).values("id").first() is not None
        if not is_same or SealedLog.objects.filter(build_id=build_id).exists():
            return SealedLog.objects.filter(build_id=build_id).exists()
        blob_hold(blob.sha256_hex)
        SealedLog.objects.create(
            build_id=build_id, sha256=blob.sha256_hex, size=blob.size, events=index.events, lines=index.lines, error_line=index.error_line
        )
        EventChunk.objects.filter(build_id=build_id).delete()
    return True


def _seal_write(build: Build, file: BinaryIO) -> Index:
    writer, error_line, line = SealWriter(file), None, 1
    for event in _whole(build):
        if error_line is None:
            error_line = next((found.number for found in lines_of(event, line) if is_error(found)), None)
        writer.add(event)
        line += event.line_count
    return writer.finish(error_line)


def _whole(build: Build) -> Iterator[StoredEvent]:
    """Yield every event up to the last; in the place of any that is not there stands a note that says so."""
    expected = 1
    while expected <= build.last_seq:
        chunk = EventChunk.objects.filter(build_id=build.pk, last_seq__gte=expected).order_by("first_seq").values_list("payload", flat=True)
        payload = chunk.first()
        before = expected
        for event in chunk_decode(bytes(payload)) if payload is not None else ():
            if event.seq < expected:
                continue
            yield from _missing(expected, event.seq - 1, event.ms)
            yield event
            expected = event.seq + 1
        if expected == before:
            yield from _missing(expected, build.last_seq, 0)
            return


def _missing(first: int, last: int, ms: int) -> Iterator[StoredEvent]:
    for seq in range(first, last + 1):
        yield StoredEvent(seq, ms, NOTE_TYPE, _("This line was lost in storage."), {})


def _blob_of(file: BinaryIO) -> Blob:
    file.flush()
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while data := file.read(1024 * 1024):
        digest.update(data)
        size += len(data)
    return Blob(digest.hexdigest(), size)


def logs_seal_due(now: datetime, *, clock: Callable[[], float] = time.monotonic) -> int:
    """Seal what has ended and is not sealed yet; give how many logs were."""
    # Rows are there only of builds that run and of those that are to be sealed: this stays small however long the history.
    ended = EventChunk.objects.filter(build__state__in=TERMINAL).order_by("build_id").values_list("build_id", flat=True).distinct()
    sealed, until = 0, clock() + SEAL_SECONDS
    for build_id in list(ended[:SEAL_LOOK]):
        if clock() > until:
            break
        try:
            sealed += log_seal(build_id)
        except Exception:
            if connection.needs_rollback:
                raise
            logger.exception("The log of build %s could not be sealed; it is tried again.", build_id)
    return sealed
