"""What waits for other machines keeps nobody else waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from kettle_web.builds.aside import Aside
from kettle_web.builds.models import Build, Endpoint
from kettle_web.builds.queue import SENT_AT_ONCE, queue_pass
from kettle_web.builds.services import build_create
from kettle_web.builds.states import State
from kettle_web.builds.tasks import fetch_result, submit_build
from tests.fakes.kettle_server import KettleServer

PATIENCE_SECONDS = 20


def wait_until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def test_work_is_not_waited_for_and_bounded_and_its_room_is_given_back_also_when_it_breaks() -> None:
    gate, began, ended = threading.Event(), threading.Semaphore(0), []

    def work(number: int) -> None:
        began.release()
        assert gate.wait(PATIENCE_SECONDS)
        ended.append(number)
        raise RuntimeError("broken")

    aside = Aside("work", 2)
    assert [aside.run(work, number) for number in range(4)] == [True, True, False, False]
    assert all(began.acquire(timeout=PATIENCE_SECONDS) for _ in range(2))
    gate.set()
    wait_until(lambda: aside.run(work, 9))
    wait_until(lambda: 9 in ended)
    assert sorted(ended) == [0, 1, 9]


@pytest.mark.django_db(transaction=True)
def test_server_that_does_not_answer_keeps_no_other_one_waiting(build_make: Callable[..., Build], owner: User) -> None:
    with KettleServer(build_seconds=PATIENCE_SECONDS * 3) as dumb, KettleServer() as sound:
        stuck = [build_make(base_url=dumb.url) for _ in range(SENT_AT_ONCE + 4)]
        for build in stuck:
            submit_build.run(build.id)
        wait_until(lambda: len(dumb.submissions) == SENT_AT_ONCE)
        second = Endpoint.objects.create(name="second", base_url=sound.url)
        other = build_create(owner=owner, endpoint=second, origin="repository", repo_url="https://example.org/a/b")
        submit_build.run(other.id)
        wait_until(lambda: Build.objects.get(id=other.id).state == State.BUILDING)
        queue_pass(now=timezone.now())
        held = Build.objects.filter(state=State.QUEUED).values_list("queue_position", "queue_reason").order_by("id")
        assert list(held) == [(number, "sending") for number in range(1, 5)]
    # The connections broke with the server: what became of these submissions is not known, and none is sent again.
    wait_until(lambda: not Build.objects.filter(state=State.SUBMITTING).exists())
    assert len(dumb.submissions) == SENT_AT_ONCE


@pytest.mark.django_db(transaction=True)
def test_result_is_fetched_without_the_worker_waiting_for_it(build_make: Callable[..., Build]) -> None:
    with KettleServer() as server:
        build = build_make(base_url=server.url)
        now = timezone.now()
        Build.objects.filter(id=build.id).update(state=State.FETCHING, job_id="5f9c2f0e-1111-4222-8333-444455556666", fetching_at=now)
        fetch_result.run(build.id)
        wait_until(lambda: Build.objects.get(id=build.id).state == State.VERIFYING)
