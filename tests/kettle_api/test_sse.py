"""The event decoder: the specification's cases, limits, and any cutting into chunks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.kettle_api.sse import DATA_BYTES, LINE_BYTES, EventDecoder, ServerEvent

CASES: dict[str, tuple[bytes, list[ServerEvent]]] = {
    "one": (b"data: a\n\n", [ServerEvent(None, b"a")]),
    "no space": (b"data:a\n\n", [ServerEvent(None, b"a")]),
    "only one space is dropped": (b"data:  a\n\n", [ServerEvent(None, b" a")]),
    "several lines": (b"data: a\ndata: b\ndata\n\n", [ServerEvent(None, b"a\nb\n")]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [ServerEvent(None, b"a"), ServerEvent(None, b"b")]),
    "CR": (b"data: a\r\rdata: b\r\r", [ServerEvent(None, b"a"), ServerEvent(None, b"b")]),
    "mixed line ends": (b"data: a\r\ndata: b\rdata: c\n\r\n", [ServerEvent(None, b"a\nb\nc")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [ServerEvent(None, b"a")]),
    "byte order mark later": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [ServerEvent(None, b"a")]),
    "comment": (b": keep-alive\n\ndata: a\n: in between\n\n", [ServerEvent(None, b"a")]),
    "no data, no event": (b"event: x\n\n\n\nid: 4\n\n", []),
    "empty data is an event": (b"data\n\n", [ServerEvent(None, b"")]),
    "id stays": (b"id: 1\ndata: a\n\ndata: b\n\n", [ServerEvent("1", b"a"), ServerEvent("1", b"b")]),
    "id is taken back": (b"id: 1\ndata: a\n\nid\ndata: b\n\n", [ServerEvent("1", b"a"), ServerEvent(None, b"b")]),
    "id with NUL": (b"id: 1\x00\ndata: a\n\n", [ServerEvent(None, b"a")]),
    "name": (b"event: rows\ndata: a\n\ndata: b\n\n", [ServerEvent(None, b"a", "rows"), ServerEvent(None, b"b")]),
    "unknown field": (b"foo: bar\ndata: a\n\n", [ServerEvent(None, b"a")]),
    "without end": (b"data: a\n\ndata: b\n", [ServerEvent(None, b"a")]),
    "field names are exact": (b"Data: a\n data: b\n\n", []),
    "colon in data": (b"data: a: b\n\n", [ServerEvent(None, b"a: b")]),
}


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_stream_gives_its_events(stream: bytes, expected: list[ServerEvent]) -> None:
    assert EventDecoder().feed(stream) == expected


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_stream_in_single_bytes_gives_the_same(stream: bytes, expected: list[ServerEvent]) -> None:
    decoder = EventDecoder()
    assert [event for byte in stream for event in decoder.feed(bytes([byte]))] == expected


_pieces = st.sampled_from(
    [b"data: ", b"data", b"id: ", b"event: ", b": c", b"\n", b"\r", b"\r\n", b"\n\n", b"x", b"\xef\xbb\xbf", b"7", b""]
)
_streams = st.lists(_pieces | st.binary(max_size=4), max_size=40).map(b"".join)


@given(_streams, st.lists(st.integers(0, 200), max_size=12))
def test_any_cutting_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    whole = EventDecoder().feed(stream)
    decoder, events, at = EventDecoder(), [], 0
    for cut in sorted(cuts):
        events += decoder.feed(stream[at:cut])
        at = max(at, cut)
    assert events + decoder.feed(stream[at:]) == whole


def test_line_of_50_megabytes_is_cut_and_marked() -> None:
    decoder = EventDecoder()
    decoder.feed(b"data: ")
    for _ in range(50):
        assert decoder.feed(b"x" * 1_000_000) == []
        assert len(decoder._line) <= LINE_BYTES
    (event,) = decoder.feed(b"\n\n")
    assert event.truncated
    assert event.data == b"x" * DATA_BYTES
    assert decoder.feed(b"data: next\n\n") == [ServerEvent(None, b"next")]


@pytest.mark.parametrize(("size", "truncated"), [(DATA_BYTES, False), (DATA_BYTES + 1, True)])
def test_limit_is_exact(size: int, truncated: bool) -> None:
    (event,) = EventDecoder().feed(b"data: " + b"x" * size + b"\n\n")
    assert (len(event.data), event.truncated) == (DATA_BYTES, truncated)


def test_many_short_lines_are_cut_too() -> None:
    (event,) = EventDecoder().feed(b"data\n" * (DATA_BYTES + 10) + b"\n")
    assert event.truncated
    assert len(event.data) == DATA_BYTES


def test_overlong_id_and_name_are_none() -> None:
    assert EventDecoder().feed(b"id: " + b"1" * 300 + b"\nevent: " + b"e" * 300 + b"\ndata: a\n\n") == [ServerEvent(None, b"a")]


@pytest.mark.parametrize(("value", "expected"), [(b"1500", 1500), (b"x", None), (b"-1", None), (b"9" * 30, None)])
def test_retry_is_kept_where_it_is_a_number(value: bytes, expected: int | None) -> None:
    decoder = EventDecoder()
    decoder.feed(b"retry: " + value + b"\n")
    assert decoder.retry_ms == expected
