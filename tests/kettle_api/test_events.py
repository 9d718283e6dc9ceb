"""Events: every known type, and everything that is not one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.kettle_api.events import CUT_MARK, TEXT_CHARS, UNREADABLE, Outcome, RemoteEvent, event_parse, server_event_parse
from kettle_web.kettle_api.sse import EventDecoder, ServerEvent

READ: dict[bytes, RemoteEvent] = {
    b'{"type":"build","msg":"Compiling"}': RemoteEvent("build", "Compiling"),
    b'{"type":"queued","position":3}': RemoteEvent("queued", "", {"position": 3}),
    b'{"type":"host","msg":"see","url":"https://x"}': RemoteEvent("host", "see", {"url": "https://x"}),
    b'{"type":"future-thing","msg":"x","more":[1]}': RemoteEvent("future-thing", "x", {"more": [1]}),
    b'{"type":"build"}': RemoteEvent("build", ""),
    b'{"type":"build","msg":null}': RemoteEvent("build", ""),
    b'{"type":"build","msg":5}': RemoteEvent("build", "5"),
    b'{"type":"build","msg":{"a":[1]}}': RemoteEvent("build", '{"a": [1]}'),
    b'{"type":"build","msg":"a\\u0000b\\ud800c"}': RemoteEvent("build", "a\ufffdb?c"),
    b'{"type":"build","msg":"x","n":NaN}': RemoteEvent("build", "x", {"n": None}),
    b'{"type":"complete","result":{"status":"ok"}}': RemoteEvent("complete", "", {"result": {"status": "ok"}}),
}
NOT_READ = [b"", b"hello", b"{", b"[]", b"null", b"{}", b'{"type":5}', b'{"type":""}', b'{"type":"a b"}', b'{"type":"' + b"x" * 41 + b'"}']


@pytest.mark.parametrize(("data", "event"), READ.items())
def test_event_is_read(data: bytes, event: RemoteEvent) -> None:
    assert event_parse(data) == event


@pytest.mark.parametrize("data", [*NOT_READ, b"\xff\xfe", b"[" * 100_000, b'{"type":"build","n":' + b"9" * 5000 + b"}"])
def test_what_cannot_be_read_is_kept(data: bytes) -> None:
    event = event_parse(data)
    assert event.type == UNREADABLE
    assert event.text == data.decode("utf-8", "replace")


OUTCOMES = {
    b'{"type":"complete","result":{"status":"ok"}}': Outcome("ok"),
    b'{"type":"complete","result":{"status":"failed","error":"E","error_type":"BuildFailed"}}': Outcome("failed", "E", "BuildFailed"),
    b'{"type":"complete","result":{"status":"failed","error":{"a":1}}}': Outcome("failed", '{"a": 1}'),
    b'{"type":"complete"}': Outcome("unknown"),
    b'{"type":"complete","result":"ok"}': Outcome("unknown"),
    b'{"type":"complete","result":{"status":"OK"}}': Outcome("unknown"),
    b'{"type":"complete","result":{"status":["ok"]}}': Outcome("unknown"),
    b'{"type":"build","result":{"status":"ok"}}': None,
}


@pytest.mark.parametrize(("data", "outcome"), OUTCOMES.items())
def test_complete_says_how_it_ended(data: bytes, outcome: Outcome | None) -> None:
    event = event_parse(data)
    assert event.outcome == outcome
    if outcome:
        assert event.text == outcome.error


@pytest.mark.parametrize(("sent", "number"), [("7", 7), ("", None), (None, None), ("x", None), ("-1", None), ("9" * 19, None), ("٣", None)])
def test_number_of_the_event_is_kept(sent: str | None, number: int | None) -> None:
    assert server_event_parse(ServerEvent(sent, b'{"type":"init"}')).remote_id == number


def _decoded(data: bytes) -> RemoteEvent:
    (event,) = EventDecoder().feed(b"data: " + data + b"\n\n")
    return server_event_parse(event)


def test_long_log_line_keeps_its_type_and_beginning() -> None:
    event = _decoded(json.dumps({"type": "build", "msg": "ä\\\n" * 1_000_000}).encode())
    assert event.type == "build"
    assert event.text.startswith("ä\\\nä\\\n")
    assert event.text.endswith(CUT_MARK)
    assert event.extra == {"truncated": True}


@pytest.mark.parametrize("status", ["ok", "failed"])
def test_long_complete_still_ends_the_build(status: str) -> None:
    event = _decoded(json.dumps({"type": "complete", "result": {"status": status, "error": "e" * 1_000_000}}).encode())
    assert event.type == "complete"
    assert event.outcome is not None
    assert event.outcome.status == status


def test_long_something_else_is_kept_as_unreadable() -> None:
    event = _decoded(b"x" * 1_000_000)
    assert event.type == UNREADABLE
    assert event.text.endswith(CUT_MARK)


def test_text_is_capped() -> None:
    assert len(event_parse(json.dumps({"type": "build", "msg": "x" * (TEXT_CHARS + 1)}).encode()).text) == TEXT_CHARS


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["type", "msg", "result", "url"]), _json | st.sampled_from(["build", "complete"])), st.booleans())
def test_any_object_gives_something_that_can_be_stored(document: dict[str, object], truncated: bool) -> None:
    event = server_event_parse(ServerEvent(None, json.dumps(document).encode(), "", truncated))
    event.text.encode()
    assert "\0" not in event.text
    assert "\\u0000" not in json.dumps(event.extra, allow_nan=False).replace("\\\\", "")
    assert event.type
    assert event.outcome is None or event.type == "complete"


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_an_event(data: bytes, truncated: bool) -> None:
    server_event_parse(ServerEvent(None, data, "", truncated)).text.encode()
