"""The queue on rows: places, limits, machines; several workers at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from starlette.responses import PlainTextResponse

from kettle_web.builds.health import health_look
from kettle_web.builds.machines import machines_tidy
from kettle_web.builds.models import Attempt, Build, Endpoint, Pool, Queue
from kettle_web.builds.queue import queue_pass, queue_turns
from kettle_web.builds.services import build_create, build_stop
from kettle_web.builds.states import State
from kettle_web.builds.submit import build_submit
from kettle_web.builds.sweeper import sweep
from tests.at_once import at_once
from tests.fakes.kettle_server import BrokenServer, KettleServer

pytestmark = pytest.mark.django_db(transaction=True)
SPENT = PlainTextResponse("this CVM has already accepted a build", 409)


@pytest.fixture
def pool(db: None) -> Pool:
    return Pool.objects.create(name="machines")


def machine(pool: Pool, url: str, **fields: Any) -> Endpoint:
    name = f"{pool.name}/{pool.machines.count() + 1}"
    return Endpoint.objects.create(name=name, base_url=url, pool=pool, kind=Endpoint.Kind.ONE_SHOT, **fields)


def submitted(owner: User, *, pool: Pool | None = None, endpoint: Endpoint | None = None) -> Build:
    return build_create(owner=owner, pool=pool, endpoint=endpoint, origin="repository", repo_url="https://example.org/a/b")


def fresh(build: Build) -> Build:
    return Build.objects.select_related("endpoint").get(id=build.id)


def end(build: Build) -> None:
    Build.objects.filter(id=build.id).update(state=State.DONE, finished_at=timezone.now(), lease_owner="", lease_until=None)


# Limits


def test_limit_of_the_server_holds_the_next_one_back_until_a_place_is_free(build_make, queued) -> None:
    with KettleServer() as server:
        first, second = build_make(base_url=server.url), build_make(base_url=server.url)
        Endpoint.objects.update(max_running=1)
        build_submit(first.id)
        build_submit(second.id)
        waiting = fresh(second)
        assert (waiting.state, waiting.queue_position, waiting.queue_reason) == (State.QUEUED, 1, "endpoint-limit")
        assert (waiting.lease_owner, waiting.dispatched_at) == ("", None)
        queued.clear()
        assert (sweep(now=timezone.now()), queued) == (0, [])
        end(first)
        assert sweep(now=timezone.now()) == 1
        assert queued == [("builds.submit_build", second.id)]
        build_submit(second.id)
    assert (fresh(second).state, fresh(second).queue_position, fresh(second).queue_reason) == (State.BUILDING, None, "")
    assert len(server.submissions) == 2


def test_own_limit_lets_others_pass(build_make, endpoint: Endpoint, stranger: User) -> None:
    Queue.objects.create(id=1, per_user=1)
    with KettleServer() as server:
        mine, mine_too = build_make(base_url=server.url), build_make(base_url=server.url)
        theirs = submitted(stranger, endpoint=endpoint)
        for build in (mine, mine_too, theirs):
            build_submit(build.id)
    assert [fresh(build).state for build in (mine, mine_too, theirs)] == ["building", "queued", "building"]
    assert fresh(mine_too).queue_reason == "own-limit"


def test_limits_of_the_environment_count_where_nobody_chose_others(build_make, settings) -> None:
    settings.BUILDS_PER_ENDPOINT = 1
    first, second = build_make(), build_make()
    assert [turn.may_start for turn in queue_turns(timezone.now()).values()] == [True, False]
    Endpoint.objects.update(max_running=0)
    assert [queue_turns(timezone.now())[build.id].may_start for build in (first, second)] == [True, True]


def test_workers_at_once_never_give_one_place_away_twice(build_make) -> None:
    with KettleServer(build_seconds=0.1) as server:
        builds = [build_make(base_url=server.url) for _ in range(8)]
        Endpoint.objects.update(max_running=3)
        at_once(lambda number: build_submit(builds[number].id))
        assert len(server.submissions) == 3
    assert Build.objects.filter(state=State.BUILDING).count() == 3


def test_people_take_turns_at_one_place(build_make, endpoint: Endpoint, stranger: User) -> None:
    Endpoint.objects.update(max_running=1)
    mine = [build_make() for _ in range(3)]
    theirs = [submitted(stranger, endpoint=endpoint) for _ in range(2)]
    queue_pass(now=timezone.now())
    places = {build.id: fresh(build).queue_position for build in (*mine, *theirs)}
    assert [places[build.id] for build in (*mine, *theirs)] == [1, 3, 5, 2, 4]


def test_place_that_becomes_free_goes_to_whoever_had_none_before(build_make, endpoint: Endpoint, stranger: User) -> None:
    with KettleServer() as server:
        first, second = build_make(base_url=server.url), build_make(base_url=server.url)
        theirs = submitted(stranger, endpoint=endpoint)
        Endpoint.objects.update(max_running=1)
        build_submit(first.id)
        end(first)
        build_submit(second.id)
        build_submit(theirs.id)
    assert (fresh(second).state, fresh(theirs).state) == (State.QUEUED, State.BUILDING)


def test_number_of_queries_does_not_grow_with_the_line(owner: User, endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_running=1)

    def count() -> int:
        queue_pass(now=timezone.now())
        with CaptureQueriesContext(
            connection,
        ) as queries:
            queue_pass(now=timezone.now())
        return len(queries)

    submitted(owner, endpoint=endpoint)
    few = count()
    people = [User.objects.create_user(f"person-{number}") for number in range(20)]
    for person in people:
        for _ in range(5):
            submitted(person, endpoint=endpoint)
    assert count() == few


def test_median_of_recent_builds_says_when(build_make) -> None:
    now = timezone.now()
    for seconds in (30, 60, 600):
        build_make(state=State.DONE)
        began = now - timedelta(hours=1)
        Build.objects.filter(building_at=None).update(building_at=began, fetching_at=began + timedelta(seconds=seconds))
    running = build_make(state=State.BUILDING)
    Build.objects.filter(id=running.id).update(building_at=now - timedelta(seconds=20))
    Endpoint.objects.update(max_running=1)
    waiting = build_make()
    queue_pass(now=now)
    starts_at = fresh(waiting).queue_starts_at
    assert starts_at is not None
    assert starts_at - now == timedelta(seconds=40)


# Health


def test_server_that_is_out_of_order_gets_nothing_and_recovers_by_itself(build_make) -> None:
    build = build_make(base_url="http://127.0.0.1:9")
    for _ in range(2):
        Endpoint.objects.update(health_checked_at=None)
        health_look(timezone.now())
    build_submit(build.id)
    assert (fresh(build).state, fresh(build).queue_reason, fresh(build).tries) == (State.QUEUED, "unhealthy", 0)
    assert Endpoint.objects.get().health_error
    with KettleServer() as server:
        Endpoint.objects.update(base_url=server.url)
        assert health_look(timezone.now()) == 0
        assert health_look(timezone.now() + timedelta(seconds=6)) == 1
        assert sweep(now=timezone.now()) == 1
        build_submit(build.id)
        assert fresh(build).state == State.BUILDING


def test_one_missed_answer_is_not_yet_a_server_that_is_down(build_make) -> None:
    build = build_make(base_url="http://127.0.0.1:9")
    health_look(timezone.now())
    assert queue_turns(timezone.now())[build.id].may_start


# Pools


def test_build_leases_a_machine_of_its_pool_and_spends_it(owner: User, pool: Pool) -> None:
    with KettleServer() as server:
        mine = machine(pool, server.url)
        build = submitted(owner, pool=pool)
        assert build.endpoint_id is None
        build_submit(build.id)
    assert (fresh(build).state, fresh(build).endpoint_id) == (State.BUILDING, mine.id)
    mine.refresh_from_db()
    assert mine.leased_build_id == build.id
    assert mine.spent_at is not None
    assert build.uid in mine.spent_reason


def test_empty_pool_keeps_the_build_waiting_and_says_so(owner: User, pool: Pool) -> None:
    build = submitted(owner, pool=pool)
    build_submit(build.id)
    assert (fresh(build).state, fresh(build).queue_reason) == (State.QUEUED, "pool-empty")
    with KettleServer() as server:
        machine(pool, server.url)
        assert sweep(now=timezone.now()) == 1
        build_submit(build.id)
    assert fresh(build).state == State.BUILDING


def test_machine_that_was_used_elsewhere_is_spent_and_the_next_one_is_taken(owner: User, pool: Pool) -> None:
    with KettleServer(build_answer=SPENT) as used, KettleServer() as good:
        first, second = machine(pool, used.url), machine(pool, good.url)
        build = submitted(owner, pool=pool)
        build_submit(build.id)
        assert (fresh(build).state, fresh(build).endpoint_id) == (State.QUEUED, None)
        build_submit(build.id)
        assert (len(used.submissions), len(good.submissions)) == (1, 1)
        assert used.submissions[0]["nonce"] != good.submissions[0]["nonce"]
    assert (fresh(build).state, fresh(build).endpoint_id) == (State.BUILDING, second.id)
    first.refresh_from_db()
    assert "409" in first.spent_reason
    assert [attempt.outcome for attempt in build.attempts.all()] == ["refused", "accepted"]


def test_answer_that_never_came_spends_the_machine_and_takes_no_other(owner: User, pool: Pool) -> None:
    with BrokenServer(read_bytes=None) as broken, KettleServer() as good:
        first = machine(pool, broken.url)
        machine(pool, good.url)
        build = submitted(owner, pool=pool)
        for _ in range(3):
            build_submit(build.id)
        assert good.submissions == []
    assert (fresh(build).state, fresh(build).failure_code) == (State.FAILED, "outcome-unknown")
    first.refresh_from_db()
    assert "perhaps" in first.spent_reason


def test_409_after_a_request_that_broke_off_is_perhaps_ours(owner: User) -> None:
    alone = Endpoint.objects.create(name="alone", base_url="http://127.0.0.1:9", kind=Endpoint.Kind.ONE_SHOT)
    build = submitted(owner, endpoint=alone)
    Attempt.objects.update(endpoint=alone, cut_at=timezone.now())
    with KettleServer(build_answer=SPENT) as server:
        Endpoint.objects.update(base_url=server.url)
        build_submit(build.id)
        build_submit(build.id)
        assert len(server.submissions) == 1
    assert (fresh(build).state, fresh(build).failure_code, fresh(build).fault) == (State.FAILED, "perhaps-ours", "network")
    assert "perhaps it is ours" in fresh(build).failure_message


def test_409_names_the_earlier_build_that_may_have_spent_the_machine(owner: User, stranger: User, pool: Pool) -> None:
    with KettleServer(build_answer=SPENT) as used, KettleServer() as good:
        first = machine(pool, used.url)
        machine(pool, good.url)
        lost = submitted(stranger, pool=pool)
        Attempt.objects.filter(build=lost).update(endpoint=first, outcome=Attempt.Outcome.UNKNOWN)
        end(lost)
        build = submitted(owner, pool=pool)
        build_submit(build.id)
        build_submit(build.id)
    assert fresh(build).state == State.BUILDING
    first.refresh_from_db()
    assert lost.uid in first.spent_reason


def test_machine_that_cannot_be_reached_is_given_back_and_another_one_is_tried(owner: User, pool: Pool) -> None:
    with KettleServer() as good:
        first, second = machine(pool, "http://127.0.0.1:9"), machine(pool, good.url)
        build = submitted(owner, pool=pool)
        build_submit(build.id)
        first.refresh_from_db()
        assert (first.leased_build_id, first.spent_at, first.health_failures) == (None, None, 2)
        Build.objects.update(next_try_at=None)
        build_submit(build.id)
    assert fresh(build).endpoint_id == second.id
    assert [attempt.outcome for attempt in build.attempts.all()] == ["accepted"]


def test_machine_whose_connection_broke_halfway_is_set_aside(owner: User, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    from kettle_web.kettle_api.client import KettleClient
    from kettle_web.kettle_api.errors import Unreachable

    def cut(*args: object, **kwargs: object) -> str:
        raise Unreachable("network.reset", "The connection broke while the source was being sent.")

    first = machine(pool, "http://127.0.0.1:9")
    build = submitted(owner, pool=pool)
    monkeypatch.setattr(KettleClient, "submit", cut)
    build_submit(build.id)
    first.refresh_from_db()
    assert first.spent_at is not None
    attempt = build.attempts.get()
    assert (attempt.outcome, attempt.cut_at is not None) == ("refused", True)
    assert fresh(build).state == State.QUEUED


@pytest.mark.parametrize("status", [401, 403, 404])
def test_machine_that_lets_nobody_in_is_set_aside_for_the_next_build(owner: User, pool: Pool, status: int) -> None:
    with KettleServer(build_answer=PlainTextResponse("no", status)) as closed, KettleServer() as server:
        wrong, right = machine(pool, closed.url), machine(pool, server.url)
        first, second = submitted(owner, pool=pool), submitted(owner, pool=pool)
        build_submit(first.id)
        build_submit(second.id)
    assert (fresh(first).state, fresh(second).state) == (State.FAILED, State.BUILDING)
    wrong.refresh_from_db()
    assert wrong.spent_reason.startswith(f"It refused build {first.uid}")
    assert fresh(second).endpoint_id == right.id


def test_workers_at_once_take_each_machine_once(owner: User, pool: Pool) -> None:
    with KettleServer(build_seconds=0.1) as server:
        for _ in range(3):
            machine(pool, server.url)
        builds = [submitted(owner, pool=pool) for _ in range(8)]
        at_once(lambda number: build_submit(builds[number].id))
        assert len(server.submissions) == 3
    built = Build.objects.filter(state=State.BUILDING)
    assert len(set(built.values_list("endpoint_id", flat=True))) == 3
    assert set(Build.objects.filter(state=State.QUEUED).values_list("queue_reason", flat=True)) == {"pool-empty"}


def test_worker_that_died_before_sending_goes_on_with_the_machine_it_had(owner: User, pool: Pool) -> None:
    with KettleServer() as server:
        mine = machine(pool, server.url)
        machine(pool, server.url)
        build = submitted(owner, pool=pool)
        Endpoint.objects.filter(id=mine.id).update(leased_build=build)
        Build.objects.filter(id=build.id).update(state=State.SUBMITTING, endpoint=mine)
        build_submit(build.id)
        assert len(server.submissions) == 1
    assert fresh(build).endpoint_id == mine.id
    assert Endpoint.objects.filter(spent_at=None).count() == 1


def test_worker_that_died_after_sending_spends_the_machine(owner: User, pool: Pool) -> None:
    mine = machine(pool, "http://127.0.0.1:9")
    build = submitted(owner, pool=pool)
    Endpoint.objects.filter(id=mine.id).update(leased_build=build)
    Build.objects.filter(id=build.id).update(state=State.SUBMITTING, endpoint=mine)
    Attempt.objects.update(outcome=Attempt.Outcome.SENT, endpoint=mine)
    build_submit(build.id)
    assert fresh(build).failure_code == "outcome-unknown"
    mine.refresh_from_db()
    assert mine.spent_at is not None


@pytest.mark.parametrize(("outcome", "is_spent"), [("prepared", False), ("refused", False), ("sent", True), ("accepted", True)])
def test_machine_of_a_build_that_was_stopped_is_settled(owner: User, pool: Pool, outcome: str, is_spent: bool) -> None:
    mine = machine(pool, "http://127.0.0.1:9")
    build = submitted(owner, pool=pool)
    Endpoint.objects.filter(id=mine.id).update(leased_build=build)
    Attempt.objects.update(outcome=outcome, endpoint=mine)
    assert machines_tidy(timezone.now()) == 0
    build_stop(build)
    assert machines_tidy(timezone.now()) == 1
    mine.refresh_from_db()
    assert (mine.spent_at is not None) is is_spent
    assert is_spent or mine.leased_build_id is None


def test_build_that_was_stopped_before_sending_is_not_sent(build_make) -> None:
    with KettleServer() as server:
        build = build_make(base_url=server.url)

        def stopped(endpoint: Endpoint) -> Any:
            build_stop(build)
            from kettle_web.builds.endpoints import endpoint_client

            return endpoint_client(endpoint)

        build_submit(build.id, client_for=stopped)
        assert server.submissions == []
    assert (fresh(build).state, build.attempts.get().outcome) == (State.ABANDONED, "prepared")
