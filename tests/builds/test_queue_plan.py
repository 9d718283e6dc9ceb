"""Who is next, and why the others wait: values only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kettle_web.builds.queue_plan import Key, Place, Reason, Running, Situation, Waiting, queue_plan

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HERE: Key = ("endpoint", 1)
THERE: Key = ("pool", 1)


def line(*owners: int, key: Key = HERE) -> list[Waiting]:
    return [Waiting(number, owner, key) for number, owner in enumerate(owners, 1)]


def order(situation: Situation) -> list[int]:
    turns = queue_plan(situation, NOW)
    return sorted(turns, key=lambda build_id: turns[build_id].position)


def test_people_take_turns_and_each_keeps_their_own_order() -> None:
    assert order(Situation(line(1, 1, 1, 2, 2, 3), [], {HERE: Place()})) == [1, 4, 6, 2, 5, 3]


def test_whoever_has_builds_running_comes_behind_whoever_has_none() -> None:
    running = [Running(1, HERE, NOW), Running(1, HERE, NOW)]
    assert order(Situation(line(1, 2, 2), running, {HERE: Place()})) == [2, 3, 1]


def test_whoever_was_served_longest_ago_comes_first_among_equals() -> None:
    served = {(HERE, 1): NOW, (HERE, 2): NOW - timedelta(hours=1)}
    assert order(Situation(line(1, 1, 2, 2, 3), [], {HERE: Place()}, served=served)) == [5, 3, 1, 4, 2]


def test_builds_elsewhere_do_not_count_in_this_line() -> None:
    assert order(Situation(line(1, 2), [Running(1, THERE, NOW)], {HERE: Place()})) == [1, 2]


def test_room_is_given_out_from_the_front_and_the_rest_is_told_of_the_limit() -> None:
    turns = queue_plan(Situation(line(1, 2, 3), [], {HERE: Place(room=2, limit=2)}), NOW)
    assert [turns[number].reason for number in (1, 2, 3)] == [Reason.NEXT, Reason.NEXT, Reason.ENDPOINT_LIMIT]


def test_own_limit_holds_over_all_servers_and_lets_others_pass() -> None:
    waiting = [Waiting(1, 1, HERE), Waiting(2, 1, THERE), Waiting(3, 2, HERE)]
    turns = queue_plan(Situation(waiting, [], {HERE: Place(room=1, limit=1), THERE: Place(room=5)}, per_user=1), NOW)
    assert {number: turn.reason for number, turn in turns.items()} == {1: Reason.NEXT, 2: Reason.OWN_LIMIT, 3: Reason.ENDPOINT_LIMIT}
    turns = queue_plan(Situation(waiting, [Running(1, THERE, NOW)], {HERE: Place(room=1, limit=1), THERE: Place(room=5)}, per_user=1), NOW)
    assert {number: turn.reason for number, turn in turns.items()} == {1: Reason.OWN_LIMIT, 2: Reason.OWN_LIMIT, 3: Reason.NEXT}


def test_build_that_backs_off_keeps_its_place_and_holds_up_nobody() -> None:
    waiting = [Waiting(1, 1, HERE, NOW + timedelta(seconds=5)), Waiting(2, 2, HERE, NOW - timedelta(seconds=5))]
    turns = queue_plan(Situation(waiting, [], {HERE: Place(room=1, limit=1)}), NOW)
    assert (turns[1].position, turns[1].reason) == (1, Reason.BACKING_OFF)
    assert (turns[2].position, turns[2].reason) == (2, Reason.NEXT)


def test_closed_server_and_empty_pool_say_so() -> None:
    waiting = [*line(1), Waiting(2, 1, THERE), Waiting(3, 1, ("endpoint", 9))]
    places = {HERE: Place(closed=Reason.UNHEALTHY), THERE: Place(room=0, full=Reason.POOL_EMPTY)}
    turns = queue_plan(Situation(waiting, [], places), NOW)
    assert [turns[number].reason for number in (1, 2, 3)] == [Reason.UNHEALTHY, Reason.POOL_EMPTY, Reason.OFF]


def test_beginning_is_expected_from_the_median_of_recent_builds() -> None:
    running = [Running(9, HERE, NOW - timedelta(seconds=40)), Running(9, HERE, NOW - timedelta(seconds=10))]
    situation = Situation(line(1, 2, 3), running, {HERE: Place(room=0, limit=2)}, durations={HERE: [10.0, 60.0, 5000.0]})
    turns = queue_plan(situation, NOW)
    assert [turns[number].starts_at for number in (1, 2, 3)] == [NOW + timedelta(seconds=seconds) for seconds in (20, 50, 80)]


def test_nothing_is_said_of_when_where_nothing_is_known() -> None:
    running = [Running(9, HERE, NOW)]
    assert queue_plan(Situation(line(1), running, {HERE: Place(room=0, limit=1)}), NOW)[1].starts_at is None
    closed = Situation(line(1), running, {HERE: Place(limit=1, closed=Reason.UNHEALTHY)}, durations={HERE: [10.0]})
    assert queue_plan(closed, NOW)[1].starts_at is None


def test_running_build_that_takes_longer_than_usual_is_expected_to_end_now() -> None:
    situation = Situation(line(1), [Running(9, HERE, NOW - timedelta(hours=9))], {HERE: Place(room=0, limit=1)}, durations={HERE: [60.0]})
    assert queue_plan(situation, NOW)[1].starts_at == NOW


@given(
    owners=st.lists(st.integers(1, 5), max_size=30),
    room=st.none() | st.integers(0, 8),
    per_user=st.integers(0, 4),
    busy=st.lists(st.integers(1, 5), max_size=8),
)
def test_no_limit_is_ever_passed_and_no_room_is_left_to_whoever_may_have_it(
    owners: list[int], room: int | None, per_user: int, busy: list[int]
) -> None:
    running = [Running(owner, THERE, NOW) for owner in busy]
    turns = queue_plan(Situation(line(*owners), running, {HERE: Place(room=room)}, per_user), NOW)
    started = [owner for number, owner in enumerate(owners, 1) if turns[number].may_start]
    assert sorted(turn.position for turn in turns.values()) == list(range(1, len(owners) + 1))
    assert room is None or len(started) <= room
    for owner in set(owners):
        mine = started.count(owner) + busy.count(owner)
        assert not per_user or mine <= max(per_user, busy.count(owner))
        left_waiting = owners.count(owner) - started.count(owner)
        is_held_up = (per_user and mine >= per_user) or (room is not None and len(started) >= room)
        assert not left_waiting or is_held_up
