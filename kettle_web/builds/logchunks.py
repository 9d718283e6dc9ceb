"""The log of a running build in rows: consecutive events, compressed; small neighbours are merged as it grows.

Whoever calls holds the lock of the build's row, so that nobody else adds or merges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from kettle_web.builds.eventlog import Event, chunk_decode, chunk_encode
from kettle_web.builds.models import EventChunk

CHUNK_EVENTS: Final = 2000
CHUNK_BYTES: Final = 1024 * 1024
"""Of texts: what is unpacked to read a page."""
TIERS: Final = (2000, 100)
"""Where a log passes a multiple of one of these, what came since the one before is one chunk. Each event is packed three times
at most, and a log of single lines has a hundred small rows at most.
"""


def chunks_insert(build_id: int, last_seq: int, events: Sequence[Event]) -> None:
    """Store events after number `last_seq`."""
    if not events:
        return
    chunks, first = [], last_seq + 1
    for part in _parts(events):
        chunks.append(_chunk(build_id, first, part))
        first += len(part)
    EventChunk.objects.bulk_create(chunks)
    for tier in TIERS:
        if (last_seq + len(events)) // tier > last_seq // tier:
            _merge(build_id, last_seq // tier * tier)
            break


def _parts(events: Sequence[Event]) -> Iterator[list[Event]]:
    part: list[Event] = []
    size = 0
    for event in events:
        if part and (len(part) >= CHUNK_EVENTS or size + event.size > CHUNK_BYTES):
            yield part
            part, size = [], 0
        part.append(event)
        size += event.size
    if part:
        yield part


def _chunk(build_id: int, first_seq: int, events: Sequence[Event]) -> EventChunk:
    return EventChunk(
        build_id=build_id,
        first_seq=first_seq,
        last_seq=first_seq + len(events) - 1,
        lines=sum(event.line_count for event in events),
        size=sum(event.size for event in events),
        payload=chunk_encode(first_seq, events),
    )


def _merge(build_id: int, after: int) -> None:
    """Make fewer rows of the chunks that begin after event `after`: neighbours that fit into one together become one."""
    rows = EventChunk.objects.filter(build_id=build_id, first_seq__gt=after).order_by("first_seq")
    group: list[tuple[int, int, int, int]] = []
    for row in list(rows.values_list("id", "first_seq", "last_seq", "size")):
        events = row[2] - (group[0][1] if group else row[1]) + 1
        if group and (events > CHUNK_EVENTS or sum(other[3] for other in group) + row[3] > CHUNK_BYTES):
            _merge_group(build_id, group)
            group = []
        group.append(row)
    _merge_group(build_id, group)


def _merge_group(build_id: int, group: Sequence[tuple[int, int, int, int]]) -> None:
    if len(group) < 2:
        return
    ids = [row[0] for row in group]
    payloads = EventChunk.objects.filter(id__in=ids).order_by("first_seq").values_list("payload", flat=True)
    events = [stored.event for payload in payloads for stored in chunk_decode(bytes(payload))]
    EventChunk.objects.filter(id__in=ids).delete()
    EventChunk.objects.bulk_create([_chunk(build_id, group[0][1], events)])
