"""Every phase has an end, with a sentence about whose fault it was; time while the site was away does not count."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kettle_web.builds.models import Attempt, Build, Endpoint
from kettle_web.builds.states import State
from kettle_web.builds.timeouts import AWAKE, limits_of, timeouts_apply
from kettle_web.core.models import PeriodicRun
from kettle_web.env import EnvError, TimeoutsEnv, env_read

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LIMITS = TimeoutsEnv(queue=1000, submit=1000, lost=1000, silence=1000, build=5000, fetch=1000, verify=1000)


@pytest.fixture(autouse=True)
def awake(settings) -> None:
    """The site has been looking for a day, last a moment ago."""
    settings.TIMEOUTS = LIMITS
    PeriodicRun.objects.create(name=AWAKE, began_at=NOW - timedelta(days=1), ended_at=NOW - timedelta(seconds=5))


def at(build: Build, state: State, seconds: float, **columns: object) -> Build:
    """Put the build into a state since so long."""
    since = NOW - timedelta(seconds=seconds)
    moments = dict.fromkeys(("created_at", "state_since", "last_heard_at", "building_at", "fetching_at", "verifying_at"), since)
    # Someone is at it: a limit holds all the same.
    lease = {"lease_owner": "someone", "lease_until": NOW + timedelta(seconds=30)}
    Build.objects.filter(id=build.id).update(state=state, **{**moments, **lease, **columns})
    build.refresh_from_db()
    return build


@pytest.mark.parametrize(
    ("state", "fault", "code"),
    [
        (State.QUEUED, "builder", "timeout:queue"),
        (State.SUBMITTING, "network", "timeout:submit"),
        (State.BUILDING, "builder", "silent"),
        (State.FETCHING, "network", "timeout:fetch"),
        (State.VERIFYING, "us", "timeout:verify"),
    ],
)
def test_phase_ends_at_its_limit_and_not_before(build_make, state: State, fault: str, code: str) -> None:
    build = at(build_make(), state, 995)
    assert timeouts_apply(NOW) == 0
    assert timeouts_apply(NOW + timedelta(seconds=6)) == 1
    build.refresh_from_db()
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, fault, code)
    assert "16 min 40 s" in build.failure_message
    assert timeouts_apply(NOW + timedelta(seconds=7)) == 0


def test_build_that_talks_all_the_time_ends_at_the_limit_of_the_whole(build_make) -> None:
    build = at(build_make(), State.BUILDING, 5001, last_heard_at=NOW)
    assert timeouts_apply(NOW) == 1
    build.refresh_from_db()
    assert (build.failure_code, build.fault) == ("too-long", "builder")


def test_submission_without_an_answer_ends_as_unknown(build_make) -> None:
    build = at(build_make(), State.SUBMITTING, 1001)
    build.attempts.update(outcome=Attempt.Outcome.SENT, sent_at=NOW)
    timeouts_apply(NOW)
    build.refresh_from_db()
    assert build.failure_code == "outcome-unknown"
    assert build.attempts.get().outcome == Attempt.Outcome.UNKNOWN


@pytest.mark.parametrize("is_sent", [True, False])
def test_machine_that_builds_once_is_spent_only_where_it_may_have_taken_the_build(build_make, is_sent: bool) -> None:
    build = at(build_make(), State.SUBMITTING, 1001)
    machine = build.endpoint
    Endpoint.objects.filter(id=machine.id).update(kind="one-shot", leased_build=build)
    if is_sent:
        build.attempts.update(outcome=Attempt.Outcome.SENT, sent_at=NOW)
    timeouts_apply(NOW)
    machine.refresh_from_db()
    assert (machine.spent_at is not None) is is_sent
    if not is_sent:
        assert machine.leased_build_id is None


def test_time_while_the_site_was_away_does_not_count(build_make) -> None:
    build = at(build_make(), State.BUILDING, 10**6)
    PeriodicRun.objects.filter(name=AWAKE).update(ended_at=NOW - timedelta(hours=3))
    assert timeouts_apply(NOW) == 0
    for seconds in range(30, 990, 30):
        assert timeouts_apply(NOW + timedelta(seconds=seconds)) == 0
    build.refresh_from_db()
    [silence, whole] = limits_of(build)
    assert (silence.at, whole.at) == (NOW + timedelta(seconds=1000), NOW + timedelta(seconds=5000))
    assert timeouts_apply(NOW + timedelta(seconds=1001)) == 1


def test_limit_of_nothing_is_none(build_make, settings) -> None:
    settings.TIMEOUTS = TimeoutsEnv(queue=0)
    build = at(build_make(), State.QUEUED, 10**7)
    assert timeouts_apply(NOW) == 0
    assert limits_of(build) == ()


def test_page_of_a_running_build_says_when_it_is_given_up(build_make, owner) -> None:
    build = at(build_make(), State.FETCHING, 10)
    client = Client()
    client.force_login(owner)
    shown = client.get(f"/builds/{build.uid}/").content.decode()
    assert "gives up when the result is not here after 16 min 40 s" in shown


def test_limits_come_from_the_environment() -> None:
    env = env_read({"TIMEOUT_QUEUE": "90", "TIMEOUT_VERIFY": "0", "KEEP_LOGS_DAYS": "0.5"})
    assert (env.timeouts.queue, env.timeouts.verify, env.timeouts.build) == (90, 0, 12 * 3600)
    assert (env.keep.logs_days, env.keep.results_days) == (0.5, 90)


@pytest.mark.parametrize("text", ["soon", "-1", "1e99", "nan"])
def test_limit_that_is_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(EnvError, match="TIMEOUT_FETCH"):
        env_read({"TIMEOUT_FETCH": text})
