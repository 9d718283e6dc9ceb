"""The stream that keeps lists true: who is told about which build, and that no change goes by unseen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import re_path

from kettle_web.builds import changes
from kettle_web.builds.changes import Known, change_hub_get, changes_since, known_now
from kettle_web.builds.models import Build
from kettle_web.builds.services import build_stop
from kettle_web.builds.states import State

pytestmark = pytest.mark.django_db(transaction=True)
APPLICATION = URLRouter([re_path(pattern, consumer) for pattern, consumer in changes.change_routes])
Make = Callable[..., Build]


class Listener:
    def __init__(self, communicator: ApplicationCommunicator) -> None:
        self.communicator, self.status = communicator, 0

    async def start(self) -> int:
        self.status = (await self.communicator.receive_output(5))["status"]
        return self.status

    async def message(self) -> tuple[str, Any]:
        output = await self.communicator.receive_output(5)
        if not output.get("body"):
            return "closed", None
        fields = dict(line.split(": ", 1) for line in output["body"].decode().strip().split("\n"))
        return fields["event"], json.loads(fields["data"])


@asynccontextmanager
async def listen(user: object, method: str = "GET") -> AsyncIterator[Listener]:
    scope = {"type": "http", "method": method, "path": "/builds/changes", "query_string": b"", "headers": [], "user": user}
    communicator = ApplicationCommunicator(APPLICATION, scope)
    await communicator.send_input({"type": "http.request", "body": b""})
    try:
        yield Listener(communicator)
    finally:
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(5)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "POLL_SECONDS", 0.02)


async def test_owner_hears_of_a_change_and_of_a_new_build(build_make: Make, owner: User) -> None:
    build = await sync_to_async(build_make)(state=State.BUILDING)
    async with listen(owner) as listener:
        assert await listener.start() == 200
        assert await listener.message() == ("hello", {})
        await sync_to_async(build_stop)(build)
        event, data = await listener.message()
        assert (event, data["uid"], data["state"], data["is_over"], data["is_new"]) == ("build", build.uid, "abandoned", True, False)
        newer = await sync_to_async(build_make)()
        event, data = await listener.message()
        assert (data["uid"], data["is_new"], data["is_over"]) == (newer.uid, True, False)
    assert change_hub_get().readers == set()


async def test_a_stranger_hears_nothing_of_it(build_make: Make, owner: User, stranger: User) -> None:
    async with listen(stranger) as listener:
        await listener.start()
        assert (await listener.message())[0] == "hello"
        theirs, mine = await sync_to_async(build_make)(state=State.BUILDING), await sync_to_async(build_make)(state=State.DONE)
        assert theirs.owner_id == owner.pk
        await sync_to_async(build_stop)(theirs)
        await sync_to_async(Build.objects.filter(pk=mine.pk).update)(owner=stranger, state=State.BUILDING)
        event, data = await listener.message()
        assert (event, data["uid"], data["state"]) == ("build", mine.uid, "building")


async def test_nobody_gets_the_answer_of_what_does_not_exist() -> None:
    async with listen(AnonymousUser()) as listener:
        assert await listener.start() == 404


async def test_another_method_is_refused(owner: User) -> None:
    async with listen(owner, "POST") as listener:
        assert await listener.start() == 405


async def test_whoever_is_shut_out_hears_no_more(build_make: Make, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "ALIVE_SECONDS", 0.05)
    async with listen(owner) as listener:
        await listener.start()
        await listener.message()
        await sync_to_async(User.objects.filter(pk=owner.pk).update)(is_active=False)
        while (message := await listener.message())[0] == "alive":
            pass
        assert message[0] == "closed"


async def test_reader_who_falls_behind_is_sent_away(build_make: Make, owner: User) -> None:
    reader = changes.ChangeReader(owner.pk)
    change = changes.Change("uid", owner.pk, "queued", "", True)
    for _ in range(changes.QUEUE_CHANGES + 1):
        reader.put(change)
    assert reader.is_dropped


def test_build_that_begins_and_ends_between_two_looks_is_told(build_make: Make) -> None:
    known = known_now()
    build = build_make(state=State.FAILED)
    assert [(change.uid, change.state) for change in changes_since(known)] == [(build.uid, "failed")]
    assert changes_since(known) == []


def test_look_costs_the_same_however_many_run(build_make: Make) -> None:
    def cost(count: int) -> int:
        for _ in range(count):
            build_make(state=State.BUILDING)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            changes_since(Known())
        return len(queries)

    assert cost(1) == cost(30) <= 3
