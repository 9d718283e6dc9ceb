"""What is kept of ended builds, and what somebody hears who comes too late."""

import os
import time
from pathlib import Path

import pytest

from kettle_web.builder import retention
from kettle_web.builder.eventlog import EventWriter
from kettle_web.builder.jobs import Job, JobStore, Request
from kettle_web.builder.retention import GRACE_SECONDS, Keeper
from tests.builder.running import NONCE, builder_running

NOW = 2_000_000_000.0
HOUR = 3600.0


def ended(store: JobStore, *, hours_ago: float, size: int = 1000) -> Job:
    job = store.create(Request(nonce_hex=NONCE), None)
    job.start()
    writer = EventWriter(job.events)
    writer.complete()
    writer.close()
    job.result.write_bytes(b"x" * size)
    os.utime(job.events, (NOW - hours_ago * HOUR,) * 2)
    os.utime(job.folder / "request.json", (NOW - hours_ago * HOUR,) * 2)
    return job


def keeper(store: JobStore, *, hours: float = 24, space: int = 1 << 30, active: tuple[str, ...] = ()) -> Keeper:
    return Keeper(store, active.__contains__, keep_seconds=hours * HOUR, keep_bytes=space)


def test_what_is_too_old_goes_and_says_so(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    old, new, running = ended(store, hours_ago=25), ended(store, hours_ago=23), ended(store, hours_ago=30)
    keeper(store, active=(running.id,)).look(NOW)
    assert "kept for 24 hours" in old.removed
    assert sorted(path.name for path in old.folder.iterdir()) == ["removed", "request.json"]
    assert (new.removed, new.result.exists(), running.removed) == ("", True, "")
    assert store.recover() == []
    assert "kept for 24 hours" in old.removed


def test_the_oldest_make_room_and_the_newest_stay(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    jobs = [ended(store, hours_ago=hours) for hours in (5, 4, 3, GRACE_SECONDS / HOUR / 2)]
    keeper(store, space=2900).look(NOW)
    assert [bool(job.removed) for job in jobs] == [True, True, False, False]
    assert "make room" in jobs[0].removed
    keeper(store, space=0).look(NOW)
    assert [bool(job.removed) for job in jobs] == [True, True, True, False]


def test_removed_builds_are_forgotten_one_day_but_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MAX_MARKS", 1)
    store = JobStore(tmp_path)
    jobs = [ended(store, hours_ago=hours) for hours in (50, 40)]
    keeper(store).look(NOW)
    assert [store.find(job.id) is not None for job in jobs] == [False, True]
    assert not store.empty()


def test_the_server_answers_for_a_removed_build(data: Path) -> None:
    data.mkdir()
    job = ended(JobStore(data), hours_ago=400_000)
    with builder_running(data, "--keep-hours", "2") as builder:
        until = time.monotonic() + 10
        while not job.removed:  # The first look happens beside the first answers.
            assert time.monotonic() < until
        answers = [builder.http.get(f"/build/{job.id}/{what}") for what in ("result", "events")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert "kept for 2 hours" in answers[0].text
    with builder_running(data, "--single-build") as single:
        assert single.http.post("/build", json={"nonce": NONCE, "repo_url": "https://host.example/x/y"}).status_code == 409


def test_what_an_ended_build_left_behind_is_removed_and_what_just_came_is_not(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    left, fresh = ended(store, hours_ago=1), ended(store, hours_ago=0)
    for job in (left, fresh):
        (job.work / "deep").mkdir(parents=True)
    keeper(store).look(NOW)
    assert (left.work.exists(), fresh.work.exists()) == (False, True)
    assert left.result.exists()
