"""A database that is away, a disk that is full, a queue that loses messages: what was begun is ended, and nothing is done twice."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from kettle_web.builds import fetch, follow_store, sweeper, worker
from kettle_web.builds.fetch import NETWORK_TRIES, result_fetch
from kettle_web.builds.follower import Follower
from kettle_web.builds.leases import leases_claim
from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.builds.submit import build_submit
from kettle_web.builds.sweeper import Pickup, sweep
from kettle_web.core import disk, patience
from kettle_web.core.patience import database_patiently
from tests.at_once import at_once
from tests.builds.test_follow import QUICK, follow, stored, texts
from tests.fakes.kettle_server import OK, KettleServer, lines

pytestmark = pytest.mark.django_db(transaction=True)


class Away:
    """A piece of database work that fails so many times."""

    def __init__(self, real, times: int) -> None:
        self.real, self.left, self.lock = real, times, threading.Lock()

    def __call__(self, *args, **kwargs):
        with self.lock:
            self.left -= 1
            if self.left >= 0:
                raise OperationalError("the database system is starting up")
        return self.real(*args, **kwargs)


@pytest.mark.parametrize("numbered", [True, False])
def test_log_is_whole_although_the_database_was_away_again_and_again(build_make, monkeypatch: pytest.MonkeyPatch, numbered: bool) -> None:
    away = Away(follow_store.events_append, 0)
    monkeypatch.setattr(follow_store, "events_append", away)
    with KettleServer(events=[*lines(60), OK], numbered=numbered, released=20) as server:
        build = build_make(base_url=server.url, state=State.BUILDING)

        cuts = {20: 40, 40: 61}

        def more(fresh: Build) -> bool:
            if upto := cuts.pop(fresh.remote_count, 0):
                away.left, server.script.released = 3, upto
            return False

        build = follow(build, until=more)
    assert build.state == State.FETCHING
    assert stored(build) == texts(lines(60))


def test_log_is_whole_although_the_database_was_locked(build_make) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL locks rows, not the whole database")
    with KettleServer(events=[*lines(200), OK], numbered=True) as server:
        build = build_make(base_url=server.url, state=State.BUILDING)
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(1.0, lambda: (other.execute("ROLLBACK"), other.close())).start()
        build = follow(build)
    assert build.state == State.FETCHING
    assert stored(build) == texts(lines(200))


def test_follower_goes_on_after_something_unexpected(build_make, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = iter([ValueError("a bug of ours"), OperationalError("gone")])
    real = leases_claim

    def claim(*args, **kwargs):
        for error in broken:
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr("kettle_web.builds.follower.leases_claim", claim)
    with KettleServer(events=[*lines(3), OK], numbered=True) as server:
        assert follow(build_make(base_url=server.url, state=State.BUILDING)).state == State.FETCHING


def test_download_is_not_made_again_because_the_database_was_away_at_its_end(build_make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(fetch, "build_advance", Away(fetch.build_advance, 3))
    with KettleServer() as server:
        build = build_make(base_url=server.url, state=State.FETCHING)
        result_fetch(build.id)
        assert server.downloads == 1
    build.refresh_from_db()
    assert build.state == State.VERIFYING


def test_full_disk_is_waited_for(build_make, monkeypatch: pytest.MonkeyPatch) -> None:
    with KettleServer() as server:
        build = build_make(base_url=server.url, state=State.FETCHING)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(disk, "HEADROOM_BYTES", 2**62)
            for tries in range(1, NETWORK_TRIES):
                Build.objects.update(next_try_at=None)
                result_fetch(build.id)
                build.refresh_from_db()
                assert (build.state, build.tries) == (State.FETCHING, tries)
        Build.objects.update(next_try_at=None)
        result_fetch(build.id)
    build.refresh_from_db()
    assert build.state == State.VERIFYING


def test_patience_ends_and_is_none_inside_of_a_transaction() -> None:
    from django.db import transaction

    calls = []

    def work() -> None:
        calls.append(1)
        raise OperationalError("away")

    with pytest.raises(OperationalError):
        database_patiently(work, seconds=-1)
    assert len(calls) == 1
    with transaction.atomic(), pytest.raises(OperationalError):
        database_patiently(work, seconds=60)
    assert len(calls) == 2


def test_worker_starts_its_threads_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Thread:
        def start(self) -> None:
            started.append(self)

    for name in ("FollowerThread", "SweeperThread", "PeriodicThread"):
        monkeypatch.setattr(worker, name, Thread)
    monkeypatch.setattr(worker, "_threads", [])
    monkeypatch.setattr(worker, "PREPARE_SECONDS", -1)
    monkeypatch.setattr(worker, "leases_free_dead", Away(worker.leases_free_dead, 1))
    worker.threads_start()
    assert len(started) == 3


class Lost:
    """A queue that loses everything; what is picked up is noted."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, int]] = []
        self.pickup = Pickup(lambda name, build_id: self.ran.append((name, build_id)))

    def look(self, seconds: float) -> int:
        count = self.pickup.look(now=timezone.now() + timedelta(seconds=seconds))
        end = time.monotonic() + 10
        while self.pickup.running:
            assert time.monotonic() < end
            time.sleep(0.005)
        return count


def test_build_whose_message_was_lost_is_run_after_seconds_without_the_queue(build_make, queued) -> None:
    build, lost = build_make(), Lost()
    queued.clear()
    assert lost.look(1) == 0
    assert lost.look(sweeper.PICKUP_SECONDS + 1) == 1
    assert lost.ran == [("builds.submit_build", build.id)]
    assert queued == []
    # It has just been set going.
    assert lost.look(sweeper.PICKUP_SECONDS + 2) == 0


@pytest.mark.parametrize(
    ("state", "task"),
    [(State.FETCHING, "builds.fetch_result"), (State.VERIFYING, "verifications.verify_build"), (State.SUBMITTING, "builds.submit_build")],
)
def test_every_state_that_has_a_task_is_picked_up(build_make, state: State, task: str) -> None:
    build, lost = build_make(state=state), Lost()
    assert lost.look(10) == 1
    assert lost.ran == [(task, build.id)]


def test_build_with_a_lease_or_that_is_not_due_is_left_alone(build_make) -> None:
    later = timezone.now() + timedelta(seconds=60)
    for fields in ({"lease_owner": "someone", "lease_until": later}, {"next_try_at": later}, {"state": State.DONE}):
        build = build_make()
        Build.objects.filter(id=build.id).update(dispatched_at=None, **fields)
    lost = Lost()
    assert lost.look(10) == 0


def test_several_sweepers_pick_a_build_up_once(build_make) -> None:
    build_make()
    ran: list[int] = []
    now = timezone.now() + timedelta(seconds=10)

    def look(_number: int) -> int:
        pickup = Pickup(lambda name, build_id: ran.append(build_id))
        count = pickup.look(now=now)
        pickup.pool.shutdown(wait=True)
        return count

    assert sum(at_once(look)) == 1
    assert len(ran) == 1


def test_message_that_was_only_late_does_nothing_beside_the_pickup(build_make) -> None:
    with KettleServer(build_seconds=0.3) as server:
        build = build_make(base_url=server.url)
        pickup = Pickup(lambda name, build_id: build_submit(build_id))
        pickup.look(now=timezone.now() + timedelta(seconds=10))
        at_once(lambda _number: build_submit(build.id), 3)
        pickup.pool.shutdown(wait=True)
        assert len(server.submissions) == 1


def test_more_than_the_threads_can_do_is_queued_again(build_make, queued) -> None:
    for _ in range(5):
        build_make()
    queued.clear()
    gate = threading.Event()
    pickup = Pickup(lambda name, build_id: gate.wait(10))
    later = timezone.now() + timedelta(seconds=40)
    assert pickup.look(now=later) == sweeper.PICKUP_THREADS
    assert pickup.look(now=later) == 0
    assert sweep(now=later) == 3
    gate.set()
    pickup.pool.shutdown(wait=True)


def test_leases_are_taken_together_and_by_one(build_make) -> None:
    ids = [build_make(state=State.BUILDING).id for _ in range(30)]
    got = at_once(lambda number: leases_claim(State.BUILDING, owner=f"owner-{number}", limit=30), 4)
    assert sorted(build_id for some in got for build_id in some) == ids
    assert leases_claim(State.BUILDING, owner="late", limit=30) == []


def test_two_followers_share_what_there_is(build_make) -> None:
    limits = QUICK.__class__(**{**QUICK.__dict__, "claims": 2})

    async def run() -> list[int]:
        stop = asyncio.Event()
        followers = [Follower(limits), Follower(limits)]
        tasks = [asyncio.create_task(follower.run(stop)) for follower in followers]
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if sum(len(follower.tasks) for follower in followers) == 20:
                break
        counts = [len(follower.tasks) for follower in followers]
        stop.set()
        await asyncio.gather(*tasks)
        return counts

    with KettleServer(events=lines(2), numbered=True) as server:
        for _ in range(20):
            build_make(base_url=server.url, state=State.BUILDING)
        counts = asyncio.run(run())
    connections.close_all()
    assert sum(counts) == 20
    assert min(counts) >= 4
