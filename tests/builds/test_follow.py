"""Following event streams: nothing lost, nothing doubled, whatever server and network do."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from starlette.responses import PlainTextResponse, Response

from kettle_web.builds import follow_store
from kettle_web.builds.eventlog import NOTE_TYPE
from kettle_web.builds.follow_limits import FollowLimits
from kettle_web.builds.follower import Follower
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import events_after
from kettle_web.builds.states import State
from tests.fakes.kettle_server import FAILED, OK, KettleServer, lines

pytestmark = pytest.mark.django_db(transaction=True)
QUICK = FollowLimits(
    poll_seconds=0.02,
    batch_seconds=0.005,
    backoff_seconds=(0.01,),
    gone_seconds=0.5,
    pending_seconds=0.2,
    reconcile_seconds=5,
)


def follow(build: Build, limits: FollowLimits = QUICK, *, until: object = None, seconds: float = 15) -> Build:
    """Run a follower until the build leaves `building`, or `until()` holds."""

    async def run() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(Follower(limits).run(stop))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(0.01)
            fresh = await asyncio.to_thread(_read, build.id)
            if fresh.state != State.BUILDING or (callable(until) and until(fresh)):
                break
        stop.set()
        await task

    asyncio.run(run())
    build.refresh_from_db()
    return build


def _read(build_id: int) -> Build:
    try:
        return Build.objects.get(id=build_id)
    finally:
        connections.close_all()


def stored(build: Build) -> list[str]:
    """The texts that came from the server; also checks that the numbers have neither gap nor double."""
    events = events_after(build, 0, 10**6)
    assert [event.seq for event in events] == list(range(1, build.last_seq + 1))
    return [event.text for event in events if event.type not in (NOTE_TYPE, "complete")]


def texts(events: list) -> list[str]:
    return [event["msg"] for event in events if event["type"] == "build"]


@pytest.mark.parametrize("numbered", [True, False])
def test_whole_stream_is_stored_and_the_result_is_fetched_next(build_make, queued, numbered: bool) -> None:
    with KettleServer(events=[*lines(500), OK], numbered=numbered) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert build.state == State.FETCHING
    assert stored(build) == texts(lines(500))
    assert queued[-1] == ("builds.fetch_result", build.id)
    assert (build.lease_owner, build.remote_count, build.log_epoch) == ("", 501, 0)


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("ignores_from", [True, False])
def test_connections_that_keep_breaking_lose_and_double_nothing(build_make, numbered: bool, ignores_from: bool) -> None:
    script = {"events": [*lines(40), OK], "numbered": numbered, "ignores_from": ignores_from}
    # Where each replay begins anew, every connection has to get a little further.
    with KettleServer(**script, drop_after=7, drop_later=6 if ignores_from else 0, released=41) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
        assert len(server.asked_from) > 3
    assert build.state == State.FETCHING
    assert stored(build) == texts(lines(40))
    assert build.log_epoch == 0


def test_identical_lines_are_not_taken_for_a_replay(build_make) -> None:
    same = [{"type": "build", "msg": "again"}] * 30
    for ignores in (True, False):
        with KettleServer(events=[*same, OK], ignores_from=ignores, drop_after=11, drop_later=6) as server:
            build = follow(build_make(base_url=server.url, state=State.BUILDING))
        assert build.state == State.FETCHING
        assert stored(build) == ["again"] * 30


def test_event_repeated_at_the_seam_is_gone_after_the_final_replay(build_make) -> None:
    with KettleServer(events=[*lines(20), OK], repeats_at_seam=True, released=10) as server:
        build = build_make(base_url=server.url, state=State.BUILDING)
        threading.Timer(0.3, lambda: setattr(server.script, "released", 21)).start()
        build = follow(build)
    assert build.state == State.FETCHING
    assert stored(build) == texts(lines(20))
    assert build.log_epoch == 1


def test_event_repeated_at_the_seam_by_a_numbering_server_is_never_stored(build_make) -> None:
    with KettleServer(events=[*lines(20), OK], repeats_at_seam=True, released=10, numbered=True) as server:
        build = build_make(base_url=server.url, state=State.BUILDING)
        threading.Timer(0.3, lambda: setattr(server.script, "released", 21)).start()
        build = follow(build)
        assert len(server.asked_from) == 1
    assert stored(build) == texts(lines(20))
    assert build.log_epoch == 0


def test_lines_that_the_server_lost_live_are_there_after_the_final_replay(build_make) -> None:
    with KettleServer(events=[*lines(50), OK], live_from=0, loses=lambda index: index % 7 == 3) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert build.state == State.FETCHING
    assert stored(build) == texts(lines(50))
    assert build.log_epoch == 1
    assert build.remote_count == 51


def test_replay_that_cannot_be_had_is_said_in_the_log(build_make) -> None:
    with KettleServer(events=[*lines(5), OK]) as server:
        build = build_make(base_url=server.url, state=State.BUILDING)
        real = follow_store.remote_rows

        def rows(build_id: int) -> list:
            # Asked for when the final replay begins.
            server.script.events_answer = PlainTextResponse("gone", 404)
            return real(build_id)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(follow_store, "remote_rows", rows)
            build = follow(build)
    assert build.state == State.FETCHING
    assert stored(build) == texts(lines(5))
    assert any("could not be asked" in event.text for event in events_after(build, 0, 100) if event.type == NOTE_TYPE)


def test_numbers_with_a_gap_are_said_and_what_a_replay_has_is_had(build_make) -> None:
    with KettleServer(events=[*lines(30), OK], numbered=True, live_from=5, loses=lambda index: index == 11) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert build.state == State.FETCHING
    assert stored(build) == texts(lines(30))
    notes = [event.text for event in events_after(build, 0, 100) if event.type == NOTE_TYPE]
    assert notes == ["The server left out its events 12 to 12 here."]


def test_numbers_with_a_gap_in_every_replay_lose_nothing_else(build_make) -> None:
    with KettleServer(events=[*lines(30), OK], numbered=True, skips=(11,), drop_after=9, drop_later=8) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert build.state == State.FETCHING
    assert stored(build) == [text for number, text in enumerate(texts(lines(30))) if number != 11]
    assert any("left out its events 12" in event.text for event in events_after(build, 0, 100))


def test_follower_that_is_replaced_continues_where_the_stored_log_ends(build_make) -> None:
    with KettleServer(events=[*lines(30), OK], released=12, numbered=True) as server:
        build = build_make(base_url=server.url, state=State.BUILDING)
        build = follow(build, until=lambda fresh: fresh.remote_count == 12)
        assert build.lease_owner == ""
        server.script.released = 31
        build = follow(build)
        assert server.asked_from == [None, 12]
    assert stored(build) == texts(lines(30))


def test_two_followers_store_every_event_once(build_make) -> None:
    with KettleServer(events=[*lines(200), OK], numbered=True, drop_after=20) as server:
        build = build_make(base_url=server.url, state=State.BUILDING)

        async def run() -> None:
            stop = asyncio.Event()
            tasks = [asyncio.create_task(Follower(QUICK).run(stop)) for _ in range(2)]
            for _ in range(1000):
                await asyncio.sleep(0.01)
                if (await asyncio.to_thread(_read, build.id)).state != State.BUILDING:
                    break
            stop.set()
            await asyncio.gather(*tasks)

        asyncio.run(run())
    build.refresh_from_db()
    assert stored(build) == texts(lines(200))


def test_failed_build_says_whose_fault_it_was_and_keeps_the_end_of_its_log(build_make) -> None:
    with KettleServer(events=[*lines(3), FAILED]) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, "source", "build-failed:BuildFailed")
    assert build.failure_message == "cargo said no"
    assert stored(build) == texts(lines(3))
    assert build.finished_at is not None


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        ({"status": "failed", "error": "", "error_type": "ToolchainMissing"}, "builder"),
        ({"status": "failed"}, "builder"),
        ({"status": "splendid"}, "builder"),
        (None, "builder"),
        ("ok", "builder"),
    ],
)
def test_ending_that_is_not_a_plain_success_is_a_failure(build_make, result: object, fault: str) -> None:
    with KettleServer(events=[{"type": "complete", "result": result}]) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert (build.state, build.fault) == (State.FAILED, fault)
    assert build.failure_message


def test_stream_without_complete_ends_as_the_servers_fault(build_make) -> None:
    with KettleServer(events=lines(3), ends_quietly=True) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, "builder", "no-complete")
    assert stored(build) == texts(lines(3))


def test_server_that_forgot_the_build_ends_it(build_make) -> None:
    with KettleServer(events_answer=PlainTextResponse("no such job", 404)) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, "builder", "job-unknown")


@pytest.mark.parametrize("answer", [Response("<html>hi</html>", media_type="text/html"), PlainTextResponse("no", 401)])
def test_answer_that_is_no_stream_ends_the_build(build_make, answer: Response) -> None:
    with KettleServer(events_answer=answer) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert (build.state, build.failure_code) == (State.FAILED, "events-unreadable")


def test_server_that_is_gone_ends_the_build_by_the_network(build_make) -> None:
    build = follow(build_make(base_url="http://127.0.0.1:9", state=State.BUILDING))
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, "network", "stream-lost")


def test_build_that_takes_too_long_is_given_up(build_make) -> None:
    with KettleServer(events=lines(2)) as server:
        build = build_make(base_url=server.url, state=State.BUILDING)
        Build.objects.filter(id=build.id).update(state_since=timezone.now() - timedelta(hours=13))
        build = follow(build)
    assert (build.state, build.failure_code) == (State.FAILED, "too-long")


def test_odd_events_are_kept(build_make) -> None:
    odd = [b"{not json", b'{"msg": "no type"}', {"type": "surprise", "msg": "hello", "n": 1}, {"type": "queued", "position": 2}]
    with KettleServer(events=[*odd, OK]) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    kept = [(event.type, event.text, event.extra) for event in events_after(build, 0, 10)]
    assert kept[:4] == [
        ("unreadable", "{not json", {}),
        ("unreadable", '{"msg": "no type"}', {}),
        ("surprise", "hello", {"n": 1}),
        ("queued", "", {"position": 2}),
    ]


def test_server_cannot_put_words_into_our_mouth(build_make) -> None:
    with KettleServer(events=[{"type": NOTE_TYPE, "msg": "we vouch for this"}, OK]) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert events_after(build, 0, 1)[0].type == "site (server)"


def test_line_of_fifty_megabytes_is_cut_and_marked(build_make) -> None:
    huge = json.dumps({"type": "build", "msg": "x" * 50_000_000}).encode()
    with KettleServer(events=[huge, *lines(2), OK], numbered=True) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING), seconds=30)
    events = events_after(build, 0, 10)
    assert build.state == State.FETCHING
    assert len(events[0].text) < 300_000
    assert "cut" in events[0].text
    assert [event.text for event in events[1:3]] == texts(lines(2))


def test_log_over_the_cap_is_cut_with_a_note_and_the_build_goes_on(build_make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_store, "MAX_LOG_BYTES", 100)
    with KettleServer(events=[*lines(100), OK], numbered=True, drop_after=33) as server:
        build = follow(build_make(base_url=server.url, state=State.BUILDING))
    assert build.state == State.FETCHING
    events = [event for event in events_after(build, 0, 1000) if event.type == NOTE_TYPE and "larger" in event.text]
    assert len(events) == 1
    assert len(stored(build)) < 20


def test_stopping_ends_the_following(build_make) -> None:
    from kettle_web.builds.services import build_stop

    with KettleServer(events=lines(3)) as server:
        build = build_make(base_url=server.url, state=State.BUILDING)
        threading.Timer(0.3, lambda: (build_stop(_read(build.id)), connections.close_all())).start()
        build = follow(build)
    assert build.state == State.ABANDONED
    assert "may finish it" in build.failure_message


def test_many_builds_are_followed_at_once(build_make) -> None:
    def left() -> int:
        try:
            return Build.objects.filter(state=State.BUILDING).count()
        finally:
            connections.close_all()

    async def run() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(Follower(replace(QUICK, builds=8)).run(stop))
        for _ in range(1000):
            await asyncio.sleep(0.02)
            if not await asyncio.to_thread(left):
                break
        stop.set()
        await task

    with KettleServer(events=[*lines(20), OK], numbered=True, drop_after=8) as server:
        builds = [build_make(base_url=server.url, state=State.BUILDING) for _ in range(20)]
        asyncio.run(run())
    for build in builds:
        build.refresh_from_db()
        assert build.state == State.FETCHING
        assert stored(build) == texts(lines(20))
