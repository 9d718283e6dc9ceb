"""Live pages: who may watch, what arrives, where it continues."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import SessionBase
from django.test import Client
from django.urls import re_path

from kettle_web.builds import hub, streams
from kettle_web.builds.eventlog import Event
from kettle_web.builds.follow_store import events_append, events_replace
from kettle_web.builds.models import Build
from kettle_web.builds.services import build_stop
from kettle_web.builds.states import State

pytestmark = pytest.mark.django_db(transaction=True)
APPLICATION = URLRouter([re_path(pattern, consumer) for pattern, consumer in streams.stream_routes])


class Viewer:
    """One open stream."""

    def __init__(self, communicator: ApplicationCommunicator) -> None:
        self.communicator, self.buffer, self.status = communicator, b"", 0

    async def start(self) -> int:
        message = await self.communicator.receive_output(5)
        self.status = message["status"]
        return self.status

    async def message(self) -> tuple[str, Any]:
        while b"\n\n" not in self.buffer:
            output = await self.communicator.receive_output(5)
            self.buffer += output.get("body", b"")
            if not output.get("more_body") and b"\n\n" not in self.buffer:
                return "closed", None
        block, _, self.buffer = self.buffer.partition(b"\n\n")
        fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
        if fields["event"] == "rows":
            assert fields["id"] == str(json.loads(fields["data"])["seq"])
        return fields["event"], json.loads(fields["data"])

    async def rows(self, count: int) -> list[list[Any]]:
        rows: list[list[Any]] = []
        while len(rows) < count:
            event, data = await self.message()
            assert event in ("rows", "state")
            rows += data["rows"] if event == "rows" else []
        return rows


@asynccontextmanager
async def watch(
    uid: str, user: object, *, query: str = "", method: str = "GET", last_id: str = "", session: SessionBase | None = None
) -> AsyncIterator[Viewer]:
    headers = [(b"last-event-id", last_id.encode())] if last_id else []
    path = f"/builds/{uid}/events"
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers, "user": user}
    if session is not None:
        scope["session"] = session
    communicator = ApplicationCommunicator(APPLICATION, scope)
    await communicator.send_input({"type": "http.request", "body": b""})
    try:
        yield Viewer(communicator)
    finally:
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(5)


def append(build: Build, *texts: str) -> None:
    events_append(build.id, "me", [Event("build", text, ms=1) for text in texts])


@pytest.fixture
def build(build_make, monkeypatch: pytest.MonkeyPatch) -> Build:
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.02)
    build = build_make(state=State.BUILDING)
    Build.objects.update(lease_owner="me")
    append(build, "one", "two <b>", "\x1b[31mthree")
    build.refresh_from_db()
    return build


async def test_viewer_gets_what_is_stored_and_what_comes(build: Build, owner: User) -> None:
    async with watch(build.uid, owner) as viewer:
        assert await viewer.start() == 200
        assert await viewer.rows(3) == [
            [1, 1, "build", "one"],
            [2, 1, "build", "two &lt;b&gt;"],
            [3, 1, "build", '<span class="ansi-red">three</span>'],
        ]
        event, state = await viewer.message()
        assert (event, state["state"], state["label"]) == ("state", "building", "Building")
        await sync_to_async(append)(build, "four")
        assert [row[0] for row in await viewer.rows(1)] == [4]
        await sync_to_async(build_stop)(build)
        while (message := await viewer.message())[0] == "state":
            assert message[1]["state"] == "abandoned"
        assert message[0] == "end"
        assert (await viewer.message())[0] == "closed"


@pytest.mark.parametrize(("query", "last_id", "first"), [("after=2", "", 3), ("", "1", 2), ("after=1", "2", 3), ("after=x", "", 1)])
async def test_stream_continues_after_the_last_row(build: Build, owner: User, query: str, last_id: str, first: int) -> None:
    async with watch(build.uid, owner, query=query, last_id=last_id) as viewer:
        await viewer.start()
        assert (await viewer.rows(1))[0][0] == first


async def test_viewer_who_is_ahead_of_the_hub_gets_no_row_twice(build: Build, owner: User) -> None:
    async with watch(build.uid, owner) as first:
        await first.start()
        await first.rows(3)
        watched = hub.hub_get().watched[build.id]
        await sync_to_async(append)(build, "four", "five")
        await first.rows(2)
        watched.position, watched.seen = 2, ()
        async with watch(build.uid, owner, query="after=4") as second:
            await second.start()
            assert [row[0] for row in await second.rows(1)] == [5]
            await sync_to_async(append)(build, "six")
            assert [row[0] for row in await second.rows(1)] == [6]


async def test_many_viewers_get_the_same_rows_once_each(build: Build, owner: User) -> None:
    async def one() -> list[int]:
        async with watch(build.uid, owner) as viewer:
            await viewer.start()
            return [row[0] for row in await viewer.rows(103)]

    viewers = [asyncio.create_task(one()) for _ in range(10)]
    for number in range(20):
        await sync_to_async(append)(build, *(f"{number}-{n}" for n in range(5)))
    for seen in await asyncio.gather(*viewers):
        assert seen == list(range(1, 104))
    assert hub.hub_get().watched == {}


async def test_replaced_log_is_begun_afresh(build: Build, owner: User) -> None:
    async with watch(build.uid, owner) as viewer:
        await viewer.start()
        await viewer.rows(3)
        await sync_to_async(events_replace)(build.id, "me", keep_seq=1, keep_remote=1, events=[Event("build", "other")])
        while (message := await viewer.message())[0] == "state":
            pass
        assert message[0] == "reset"
    async with watch(build.uid, owner, query="after=3") as viewer:
        await viewer.start()
        assert (await viewer.message())[0] == "state"


async def test_slow_reader_is_dropped(build: Build) -> None:
    reader = hub.Reader()
    for number in range(hub.QUEUE_MESSAGES + 1):
        reader.put(hub.Message("rows", "{}", number))
    assert reader.is_dropped


async def test_finished_build_ends_at_once(build: Build, owner: User) -> None:
    await sync_to_async(build_stop)(build)
    async with watch(build.uid, owner) as viewer:
        await viewer.start()
        await viewer.rows(3)
        assert [(await viewer.message())[0] for _ in range(3)] == ["state", "end", "closed"]


async def test_stranger_and_anonymous_and_bad_id_get_404(build: Build, owner: User, stranger: User) -> None:
    for uid, user in ((build.uid, stranger), (build.uid, AnonymousUser()), ("0" * 16, owner)):
        async with watch(uid, user) as viewer:
            assert await viewer.start() == 404


async def test_wrong_method_is_405(build: Build, owner: User) -> None:
    async with watch(build.uid, owner, method="POST") as viewer:
        assert await viewer.start() == 405


async def test_administrator_watches_and_everyone_where_the_setting_says_so(
    build: Build, stranger: User, administrator: User, settings
) -> None:
    async with watch(build.uid, administrator) as viewer:
        assert await viewer.start() == 200
    settings.BUILDS_VISIBLE_TO = "everyone"
    async with watch(build.uid, stranger) as viewer:
        assert await viewer.start() == 200


async def test_viewer_who_may_no_longer_see_it_is_sent_away(build: Build, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "ALIVE_SECONDS", 0.05)
    async with watch(build.uid, owner) as viewer:
        await viewer.start()
        await viewer.rows(3)
        await User.objects.filter(pk=owner.pk).aupdate(is_active=False)
        while (message := await viewer.message())[0] == "state":
            pass
        assert message[0] == "closed"


@pytest.mark.parametrize("end", ["sign out", "change the password"])
async def test_viewer_whose_session_ends_is_sent_away(build: Build, owner: User, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setattr(streams, "ALIVE_SECONDS", 0.05)
    client = Client()
    await client.aforce_login(owner)
    session = client.session
    async with watch(build.uid, owner, session=session) as viewer:
        assert await viewer.start() == 200
        await viewer.rows(3)
        if end == "sign out":
            await client.alogout()
        else:
            owner.set_password("another-one-42")
            await owner.asave()
        while (message := await viewer.message())[0] == "state":
            pass
        assert message[0] == "closed"


async def test_log_that_never_pauses_does_not_keep_anyone_in(build: Build, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "ALIVE_SECONDS", 0.3)
    async with watch(build.uid, owner) as viewer:
        await viewer.start()
        await viewer.rows(3)
        await User.objects.filter(pk=owner.pk).aupdate(is_active=False)

        async def chatter() -> None:
            while True:
                await sync_to_async(append)(build, "more")

        talking = asyncio.create_task(chatter())
        try:
            async with asyncio.timeout(5):
                while (await viewer.message())[0] != "closed":
                    pass
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)


async def test_build_whose_rows_cannot_be_shown_does_not_stop_the_others(
    build: Build, owner: User, build_make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "ALIVE_SECONDS", 0.2)
    other = await sync_to_async(build_make)(state=State.BUILDING)
    await Build.objects.filter(pk=other.pk).aupdate(lease_owner="me")
    rows = hub._rows

    def broken(watched: Build, after: int) -> hub.Message | None:
        if watched.pk == other.pk:
            raise RuntimeError("a bug of ours")
        return rows(watched, after)

    monkeypatch.setattr(hub, "_rows", broken)
    async with watch(other.uid, owner) as theirs, watch(build.uid, owner) as ours:
        await theirs.start()
        await ours.start()
        await ours.rows(3)
        while (await theirs.message())[0] != "state":
            pass
        await sync_to_async(append)(other, "poison")
        while (await theirs.message())[0] != "closed":
            pass
        await sync_to_async(append)(build, "still here")
        assert [row[3] for row in await ours.rows(1)] == ["still here"]


async def test_log_that_was_replaced_begins_again_at_its_first_row(build: Build, owner: User) -> None:
    await sync_to_async(events_replace)(build.id, "me", keep_seq=1, keep_remote=1, events=[Event("build", "other", ms=1)])
    async with watch(build.uid, owner, query="after=3&epoch=0") as viewer:
        await viewer.start()
        assert await viewer.message() == ("reset", {"epoch": 1})
        # Not after row 3 of the log that the page had: these are rows of another one.
        assert [row[3] for row in await viewer.rows(2)] == ["one", "other"]


async def test_viewer_of_the_present_epoch_goes_on_where_it_was(build: Build, owner: User) -> None:
    async with watch(build.uid, owner, query="after=2&epoch=0") as viewer:
        await viewer.start()
        assert [row[0] for row in await viewer.rows(1)] == [3]


async def test_late_viewer_of_a_long_log_is_told_its_length_and_given_its_end(build: Build, owner: User) -> None:
    await sync_to_async(append)(build, *(f"a\nb {number}" for number in range(5000)))
    async with watch(build.uid, owner, query="after=3&epoch=0") as viewer:
        await viewer.start()
        event, data = await viewer.message()
        assert (event, data["rows"], data["seq"], data["line"]) == ("rows", [], 4503, 9003)
        rows = await viewer.rows(1000)
        assert [row[0] for row in rows] == list(range(9004, 10004))
        assert rows[-1][3] == "b 4999"


async def test_rows_are_numbered_by_line_and_the_stream_by_event(build: Build, owner: User) -> None:
    await sync_to_async(append)(build, "four\nfive\nsix", "seven")
    async with watch(build.uid, owner, query="after=3&epoch=0") as viewer:
        await viewer.start()
        event, data = await viewer.message()
        assert (event, data["seq"], data["line"], data["behind"]) == ("rows", 5, 7, 0)
        assert [(row[0], row[3]) for row in data["rows"]] == [(4, "four"), (5, "five"), (6, "six"), (7, "seven")]


async def test_event_of_very_many_lines_is_not_pushed_at_anyone(build: Build, owner: User) -> None:
    await sync_to_async(append)(build, "\n" * 100_000)
    async with watch(build.uid, owner, query="after=3&epoch=0") as viewer:
        await viewer.start()
        event, data = await viewer.message()
        assert (event, data["rows"], data["line"]) == ("rows", [], 100_004)
