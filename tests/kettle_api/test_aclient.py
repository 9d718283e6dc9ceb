"""Following events from a server that does exactly what a test says."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from kettle_web.kettle_api import aclient
from kettle_web.kettle_api.aclient import follow
from kettle_web.kettle_api.errors import BadAnswer, CutOff, KettleError, NotFound, Refused, Unreachable
from kettle_web.kettle_api.events import CUT_MARK, RemoteEvent
from kettle_web.outbound.transport import vetted_async_transport
from tests.outbound.serving import Connection, Served, answering, serving

JOB = "job-1"
COMPLETE = b'data: {"type":"complete","result":{"status":"ok"}}\n\n'
STREAM = b': hello\n\ndata: {"type":"init","msg":"a"}\n\nid: 2\ndata: {"type":"build","msg":"b"}\n\n'


def streaming(*parts: bytes, stay: bool = False, reset: bool = False) -> Callable[[Connection, Served], None]:
    def handle(connection: Connection, served: Served) -> None:
        served.heads.append(connection.read_head())
        connection.socket.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for part in parts:
            connection.socket.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        if stay:
            connection.socket.recv(1)
        elif reset:
            connection.reset()
        else:
            connection.socket.sendall(b"0\r\n\r\n")

    return handle


async def collect(served: Served, events: list[RemoteEvent], *, after: int = 0, token: str = "") -> None:
    async with httpx.AsyncClient(transport=vetted_async_transport(allowed_hosts=(served.host,)), trust_env=False) as client:
        stream: AsyncIterator[RemoteEvent] = follow(client, served.url, JOB, after=after, token=token)
        async for event in stream:
            events.append(event)


async def test_events_come_until_complete_although_the_connection_stays() -> None:
    events: list[RemoteEvent] = []
    with serving(streaming(STREAM, COMPLETE + b'data: {"type":"build","msg":"late"}\n\n', stay=True)) as served:
        await collect(served, events, after=7, token="t0ken")
    assert [(event.type, event.text, event.remote_id) for event in events] == [("init", "a", None), ("build", "b", 2), ("complete", "", 2)]
    assert served.heads[0].startswith(b"GET /build/job-1/events?from=7 ")
    assert b"Authorization: Bearer t0ken" in served.heads[0]


async def test_first_connection_asks_for_everything() -> None:
    with serving(streaming(COMPLETE)) as served:
        await collect(served, [])
    assert served.heads[0].startswith(b"GET /build/job-1/events HTTP")


async def test_events_cut_into_single_bytes_are_the_same() -> None:
    events: list[RemoteEvent] = []
    with serving(streaming(*(bytes([byte]) for byte in STREAM + COMPLETE))) as served:
        await collect(served, events)
    assert [event.type for event in events] == ["init", "build", "complete"]


async def test_unreadable_and_unknown_events_are_kept() -> None:
    events: list[RemoteEvent] = []
    with serving(streaming(b'data: {broken\n\ndata: {"type":"later","msg":1}\n\n', COMPLETE)) as served:
        await collect(served, events)
    assert [(event.type, event.text) for event in events[:2]] == [("unreadable", "{broken"), ("later", "1")]


async def test_log_line_of_50_megabytes_is_cut() -> None:
    events: list[RemoteEvent] = []
    with serving(streaming(b'data: {"type":"build","msg":"', *[b"x" * 1_000_000] * 50, b'"}\n\n', COMPLETE)) as served:
        await collect(served, events)
    assert events[0].type == "build"
    assert events[0].text.endswith(CUT_MARK)
    assert len(events[0].text) < 300_000
    assert events[1].type == "complete"


@pytest.mark.parametrize(("reset", "code"), [(False, "events.ended"), (True, "events.cut-off")])
async def test_stream_without_complete_is_an_error_after_its_events(reset: bool, code: str) -> None:
    events: list[RemoteEvent] = []
    with serving(streaming(STREAM, reset=reset)) as served, pytest.raises(CutOff) as caught:
        await collect(served, events)
    assert (caught.value.code, caught.value.retry) == (code, True)
    assert reset or len(events) == 2


async def test_silence_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aclient, "SILENCE_SECONDS", 0.2)
    events: list[RemoteEvent] = []
    with serving(streaming(STREAM, stay=True)) as served, pytest.raises(CutOff):
        await collect(served, events)
    assert len(events) == 2


@pytest.mark.parametrize(
    ("handle", "kind", "code"),
    [
        (answering(b"", status="404 x"), NotFound, "events.not-found"),
        (answering(b"", status="429 x", Retry_After="9"), Refused, "events.busy"),
        (answering(b"", status="502 x"), Refused, "events.server-error"),
        (answering(b"<html>", Content_Type="text/html"), BadAnswer, "events.not-a-stream"),
        (answering(b"x", Content_Type="text/event-stream", Content_Encoding="gzip"), BadAnswer, "events.encoded"),
        (answering(b"", status="307 x", Location="http://evil.example/"), BadAnswer, "events.redirect"),
    ],
)
async def test_bad_answer_has_its_error(handle: Callable[[Connection, Served], None], kind: type[KettleError], code: str) -> None:
    with serving(handle) as served, pytest.raises(KettleError) as caught:
        await collect(served, [])
    assert (type(caught.value), caught.value.code) == (kind, code)


async def test_server_error_while_following_may_be_tried_again() -> None:
    with serving(answering(b"", status="503 x")) as served, pytest.raises(Refused) as caught:
        await collect(served, [])
    assert caught.value.retry


async def test_closed_port_is_unreachable() -> None:
    with serving(answering(b"")) as served:
        pass
    with pytest.raises(Unreachable):
        await collect(served, [])


async def test_private_address_is_refused() -> None:
    async with httpx.AsyncClient(transport=vetted_async_transport(), trust_env=False) as client:
        with pytest.raises(Unreachable) as caught:
            await anext(follow(client, "http://127.0.0.1:1", JOB))
    assert caught.value.code == "address.refused"
