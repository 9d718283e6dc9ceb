"""Stored events of a build: appended in batches, and replaced where the server's own replay says otherwise.

Every write holds the build's lease: a follower that has been replaced changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.bells import bell_ring
from kettle_web.builds.errors import LeaseLost
from kettle_web.builds.eventlog import NOTE_TYPE, Event, StoredEvent, chunk_decode
from kettle_web.builds.logchunks import chunks_insert
from kettle_web.builds.models import Build, EventChunk
from kettle_web.builds.phases import REMOTE_PHASES
from kettle_web.builds.refusals import failed_build
from kettle_web.builds.services import build_advance, build_fail
from kettle_web.builds.states import State

MAX_LOG_BYTES = 256 * 1024 * 1024
"""Of all texts of a build: more than twice the largest log to be expected."""


@dataclass(frozen=True)
class Ending:
    """What the terminal event said: its `result`, as it came."""

    result: Any


class RemoteRow(NamedTuple):
    """A stored event of the server's own stream."""

    key: bytes
    seq: int
    ms: int


def events_append(build_id: int, owner: str, events: Sequence[Event], *, ending: Ending | None = None) -> None:
    """Store events in order; with `ending` the build leaves `building` in the same transaction. Raises `LeaseLost`."""
    with transaction.atomic():
        row = (
            Build.objects.select_for_update()
            .filter(id=build_id, lease_owner=owner, state=State.BUILDING)
            .values("last_seq", "log_bytes", "phase_times")
            .first()
        )
        if row is None:
            raise LeaseLost
        kept, size = _capped(events, row["log_bytes"])
        Build.objects.filter(id=build_id).update(
            last_seq=F("last_seq") + len(kept),
            remote_count=F("remote_count") + sum(not event.is_note for event in events),
            log_bytes=F("log_bytes") + size,
            last_heard_at=timezone.now(),
            phase_times=_phase_times(row["phase_times"], events),
            **_remote_position(events),
        )
        chunks_insert(build_id, row["last_seq"], kept)
        if ending is not None:
            _end(build_id, owner, ending)
        else:
            transaction.on_commit(lambda: bell_ring(build_id), robust=True)


def _phase_times(known: dict[str, int], events: Sequence[Event]) -> dict[str, int]:
    for event in events:
        if event.type in REMOTE_PHASES:
            known.setdefault(event.type, event.ms)
    return known


def _remote_position(events: Sequence[Event]) -> dict[str, int]:
    """The place in the server's own line that these events say last, as a column to set."""
    places = [event.extra.get("position") for event in events if event.type == "queued" and event.extra]
    known = [place for place in places if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < 2**31]
    return {"remote_position": known[-1]} if known else {}


def _capped(events: Sequence[Event], log_bytes: int) -> tuple[list[Event], int]:
    """Give the events that still fit into the log and the size of their texts; the terminal event always fits."""
    kept, size = [], 0
    for event in events:
        if event.type != "complete" and log_bytes + size + event.size > MAX_LOG_BYTES:
            if log_bytes + size <= MAX_LOG_BYTES:
                said = _("This log is larger than %(size)s MiB: the rest of it is not kept.")
                kept.append(Event(NOTE_TYPE, said % {"size": MAX_LOG_BYTES // 1024**2}, ms=event.ms))
                # The note is written once: from now on the log counts as over its cap.
                size = MAX_LOG_BYTES - log_bytes + 1
            continue
        kept.append(event)
        size += event.size
    return kept, size


def _end(build_id: int, owner: str, ending: Ending) -> None:
    failure = failed_build(ending.result)
    if failure is None:
        moved = build_advance(build_id, State.FETCHING, lease_owner=owner)
    else:
        moved = build_fail(build_id, fault=failure.fault, code=failure.code, message=failure.message, lease_owner=owner)
    if not moved:
        raise LeaseLost


def remote_rows(build_id: int) -> list[RemoteRow]:
    """Give every stored event that came from the server: its key, number and time."""
    return [
        RemoteRow(stored.event.key, stored.seq, stored.ms)
        for payload in EventChunk.objects.filter(build_id=build_id).values_list("payload", flat=True).iterator(50)
        for stored in chunk_decode(bytes(payload))
        if stored.type != NOTE_TYPE
    ]


def events_replace(build_id: int, owner: str, *, keep_seq: int, keep_remote: int, events: Sequence[Event] = ()) -> None:
    """Remove everything after event `keep_seq`, the server's first `keep_remote` being kept, and append `events` there.

    Pages are told to begin their log afresh. Raises `LeaseLost`.
    """
    with transaction.atomic():
        rows = Build.objects.select_for_update().filter(id=build_id, lease_owner=owner, state=State.BUILDING)
        if not rows.values("id").first():
            raise LeaseLost
        cut = list(EventChunk.objects.filter(build_id=build_id, last_seq__gt=keep_seq))
        kept: list[StoredEvent] = [stored for chunk in cut for stored in chunk_decode(bytes(chunk.payload)) if stored.seq <= keep_seq]
        EventChunk.objects.filter(id__in=[chunk.id for chunk in cut]).delete()
        if kept:
            chunks_insert(build_id, kept[0].seq - 1, [stored.event for stored in kept])
        rows.update(
            last_seq=keep_seq,
            remote_count=keep_remote,
            log_epoch=F("log_epoch") + 1,
            log_bytes=_log_bytes(build_id),
        )
        if events:
            events_append(build_id, owner, events)


def _log_bytes(build_id: int) -> int:
    payloads = EventChunk.objects.filter(build_id=build_id).values_list("payload", flat=True)
    return sum(stored.event.size for payload in payloads.iterator(50) for stored in chunk_decode(bytes(payload)))
