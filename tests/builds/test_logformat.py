"""Sealed logs: what is written is read, page by page; anything else is refused."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.builds.eventlog import StoredEvent
from kettle_web.builds.logformat import (
    FRAME_BYTES,
    FRAME_EVENTS,
    Index,
    LogFormatError,
    SealWriter,
    frame_read,
    index_read,
    seal_write,
)

TEXTS = st.lists(st.text(max_size=40), min_size=1, max_size=60)


def stored(texts: list[str]) -> list[StoredEvent]:
    return [StoredEvent(number, 1000 + number, "build", text, {}) for number, text in enumerate(texts, 1)]


def sealed(events: list[StoredEvent]) -> tuple[bytes, Index]:
    file = io.BytesIO()
    index = seal_write(file, events)
    return file.getvalue(), index


@given(TEXTS)
def test_what_is_sealed_is_read_again(texts: list[str]) -> None:
    data, index = sealed(stored(texts))
    read = index_read(io.BytesIO(data), len(data))
    assert read == index
    events = [event for frame in read.frames for event in frame_read(io.BytesIO(data), frame)]
    assert events == stored(texts)
    assert (read.events, read.lines) == (len(texts), sum(text.count("\n") + 1 for text in texts))


def test_same_events_make_the_same_bytes() -> None:
    events = stored([f"line {number}" for number in range(5000)])
    assert sealed(events) == sealed(events)


def test_frame_holds_a_page_and_no_more() -> None:
    events = stored([f"line {number}" for number in range(2 * FRAME_EVENTS + 1)])
    _, index = sealed(events)
    assert [frame.first_line for frame in index.frames] == [1, FRAME_EVENTS + 1, 2 * FRAME_EVENTS + 1]
    _, index = sealed(stored(["x" * (FRAME_BYTES // 2 + 1)] * 3))
    assert [frame.first_seq for frame in index.frames] == [1, 2, 3]


def test_index_finds_the_frame_of_a_line_also_inside_an_event_of_many() -> None:
    events = stored(["one", "\n" * 4999, "last"])
    events += [StoredEvent(number, 0, "build", "more", {}) for number in range(4, FRAME_EVENTS + 10)]
    _, index = sealed(events)
    assert index.lines == 1 + 5000 + 1 + FRAME_EVENTS + 6
    for line, position in ((1, 0), (5001, 0), (index.frames[1].first_line - 1, 0), (index.frames[1].first_line, 1), (10**9, 1)):
        assert index.at_line(line) == position


def test_event_out_of_order_is_refused() -> None:
    writer = SealWriter(io.BytesIO())
    with pytest.raises(LogFormatError):
        writer.add(StoredEvent(2, 0, "build", "second", {}))


@given(st.data())
def test_any_beginning_and_any_changed_byte_raises_only_the_format_error(data: st.DataObject) -> None:
    whole, _ = sealed(stored(["a", "b" * 300, "c\nd"]))
    if data.draw(st.booleans()):
        broken = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        at = data.draw(st.integers(0, len(whole) - 1))
        broken = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    try:
        index = index_read(io.BytesIO(broken), len(broken))
        for frame in index.frames:
            frame_read(io.BytesIO(broken), frame)
    except LogFormatError:
        pass


@given(st.binary(max_size=300))
def test_random_bytes_are_no_sealed_log(data: bytes) -> None:
    with pytest.raises(LogFormatError):
        index_read(io.BytesIO(data), len(data))
