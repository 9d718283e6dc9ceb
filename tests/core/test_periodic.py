"""Periodic work runs once when it is due, by one worker, and again after a worker died at it."""

import time
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from kettle_web.core import periodic
from kettle_web.core.models import PeriodicRun

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "_registry", {})


def test_work_runs_at_once_and_then_when_it_is_due() -> None:
    ran = []
    periodic.periodic_register("test.work", ran.append, seconds=60)
    for seconds in (0, 1, 59, 60, 61, 125):
        periodic.periodic_run_due(now=NOW + timedelta(seconds=seconds))
    assert [(at - NOW).total_seconds() for at in ran] == [0, 60, 125]


def test_work_of_a_worker_that_died_is_taken_over_after_its_limit() -> None:
    ran = []
    periodic.periodic_register("test.work", ran.append, seconds=10, limit_seconds=100)
    PeriodicRun.objects.create(name="test.work", began_at=NOW, claimed_until=NOW + timedelta(seconds=100))
    periodic.periodic_run_due(now=NOW + timedelta(seconds=50))
    assert ran == []
    periodic.periodic_run_due(now=NOW + timedelta(seconds=101))
    assert len(ran) == 1


@pytest.mark.django_db(transaction=True)
def test_claim_is_short_and_renewed_while_the_work_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "CLAIM_SECONDS", 0.06)
    claims: set[datetime | None] = set()

    def work(_now: datetime) -> None:
        # What a worker that is killed here leaves behind is free again after a moment, however long the work may take.
        end = time.monotonic() + 20
        while len(claims) < 3:
            assert time.monotonic() < end, "the claim was not renewed"
            claims.add(PeriodicRun.objects.get().claimed_until)

    now = timezone.now()
    periodic.periodic_register("test.work", work, seconds=10, limit_seconds=3600)
    assert periodic.periodic_run_due(now=now) == ["test.work"]
    row = PeriodicRun.objects.get()
    assert (row.claimed_until, row.error) == (None, "")
    assert all(claim is not None and claim < now + timedelta(seconds=60) for claim in claims)


def test_work_that_fails_is_noted_and_tried_again_and_holds_nobody_up() -> None:
    others = []

    def broken(_now: object) -> None:
        raise ValueError("no such thing")

    periodic.periodic_register("test.broken", broken, seconds=10)
    periodic.periodic_register("test.other", others.append, seconds=10)
    assert periodic.periodic_run_due(now=NOW) == ["test.broken", "test.other"]
    row = PeriodicRun.objects.get(name="test.broken")
    assert (row.error, row.ended_at, row.claimed_until) == ("ValueError: no such thing", None, None)
    assert len(others) == 1
    assert periodic.periodic_run_due(now=NOW + timedelta(seconds=10)) == ["test.broken", "test.other"]


def test_two_workers_at_once_run_it_once() -> None:
    ran = []

    def meanwhile(now: object) -> None:
        ran.append(now)
        periodic.periodic_run_due(now=NOW)

    periodic.periodic_register("test.work", meanwhile, seconds=10)
    periodic.periodic_run_due(now=NOW)
    assert len(ran) == 1
