"""Creating, moving on, stopping, sweeping; endpoints."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from kettle_web.builds import leases
from kettle_web.builds.again import again_block
from kettle_web.builds.endpoints import endpoint_save, endpoint_token, endpoints_sync
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Build, Endpoint
from kettle_web.builds.phases import phases
from kettle_web.builds.services import build_advance, build_create, build_fail, build_import_create, build_stop, nonce_parse
from kettle_web.builds.states import TRANSITIONS, Fault, State
from kettle_web.builds.sweeper import sweep
from kettle_web.env import EndpointEnv, env_read

pytestmark = pytest.mark.django_db(transaction=True)


def test_build_is_queued_with_a_nonce(build_make, queued) -> None:
    build = build_make()
    attempt = build.attempts.get()
    assert (build.state, attempt.number, attempt.nonce_made_by) == (State.QUEUED, 1, "server")
    assert len(bytes(attempt.nonce)) == 16
    assert any(attempt.nonce)
    assert queued == [("builds.submit_build", build.id)]


def test_form_sent_twice_is_one_build(build_make, queued) -> None:
    assert build_make(submission_key="k").id == build_make(submission_key="k").id
    assert build_make().id != build_make().id
    assert len(queued) == 3


def test_form_of_another_person_is_another_build(build_make, endpoint, stranger: User) -> None:
    first = build_make(submission_key="k")
    second = build_create(
        owner=stranger, endpoint=endpoint, origin="repository", repo_url="https://example.org/x/y", nonce=None, submission_key="k"
    )
    assert first.id != second.id


@pytest.mark.parametrize("text", ["", "ab", "g" * 32, "0" * 31, "ab" * 17, "é" * 32, "ab " * 16, " " + "ab" * 16])
def test_nonce_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(BuildError) as caught:
        nonce_parse(text)
    assert caught.value.code == "nonce-form"


def test_nonce_of_zeros_is_refused(build_make) -> None:
    with pytest.raises(BuildError) as caught:
        nonce_parse("0" * 32)
    assert caught.value.code == "nonce-zero"
    with pytest.raises(BuildError):
        build_make(nonce=bytes(16))
    assert not Build.objects.exists()


def test_both_or_neither_source_is_refused(owner: User, endpoint: Endpoint) -> None:
    with pytest.raises(BuildError) as caught:
        build_create(owner=owner, endpoint=endpoint, origin="repository", nonce=None)
    assert caught.value.code == "source"


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", list(State))
def test_only_the_tables_transitions_happen(build_make, before: State, after: State) -> None:
    build = build_make()
    Build.objects.filter(id=build.id).update(state=before)
    assert build_advance(build.id, after) == (after in TRANSITIONS[before])
    build.refresh_from_db()
    assert build.state == (after if after in TRANSITIONS[before] else before)


def test_lost_lease_changes_nothing(build_make) -> None:
    build = build_make(state=State.BUILDING)
    Build.objects.filter(id=build.id).update(lease_owner="other")
    assert not build_fail(build.id, fault=Fault.US, code="x", message="y", lease_owner="me")
    build.refresh_from_db()
    assert build.state == State.BUILDING


def test_stopped_build_stays_stopped(build_make) -> None:
    build = build_make()
    assert build_stop(build)
    assert not build_stop(build)
    assert not build_fail(build.id, fault=Fault.US, code="x", message="y")
    build.refresh_from_db()
    assert (build.state, build.failure_code) == (State.ABANDONED, "withdrawn")


def test_stop_says_whether_anything_was_sent(build_make, owner) -> None:
    waiting, sent = build_make(), build_make()
    Build.objects.filter(id=sent.id).update(state=State.SUBMITTING)
    for build in (waiting, sent):
        assert build_stop(build)
        build.refresh_from_db()
    assert "Nothing of it was sent" in waiting.failure_message
    assert "may finish it" in sent.failure_message
    assert [again_block(build, owner).was_withdrawn for build in (waiting, sent)] == [True, False]
    client = Client()
    client.force_login(owner)
    assert "Taken out of the line" in client.get(f"/builds/{waiting.uid}/").content.decode()
    assert "No longer followed" in client.get(f"/builds/{sent.uid}/").content.decode()


def test_lease_is_taken_once_and_freed_by_time(build_make) -> None:
    build = build_make()
    lease = leases.lease_claim(build.id, (State.QUEUED,))
    assert lease is not None
    assert leases.lease_claim(build.id, (State.QUEUED,)) is None
    assert leases.lease_renew([build.id], lease.owner) == {build.id}
    assert leases.lease_renew([build.id], "other") == set()
    Build.objects.filter(id=build.id).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert leases.lease_claim(build.id, (State.BUILDING,)) is None
    assert leases.lease_claim(build.id, (State.QUEUED,)) is not None


def test_leases_of_dead_processes_are_freed_at_start(build_make) -> None:
    host = leases.owner_new().split(":")[0]
    later = timezone.now() + timedelta(seconds=30)
    owners = {"dead": f"{host}:4194305:x", "own": f"{host}:{os.getpid()}:x", "alive": f"{host}:1:x", "elsewhere": "other-host:1:x"}
    ids = {}
    for name, owner in owners.items():
        ids[name] = build_make().id
        Build.objects.filter(id=ids[name]).update(lease_owner=owner, lease_until=later)
    assert leases.leases_free_dead() == 2
    freed = set(Build.objects.filter(lease_owner="").values_list("id", flat=True))
    assert freed == {ids["dead"], ids["own"]}


@pytest.mark.parametrize(
    ("state", "task"),
    [
        (State.QUEUED, "builds.submit_build"),
        (State.SUBMITTING, "builds.submit_build"),
        (State.FETCHING, "builds.fetch_result"),
        (State.VERIFYING, "verifications.verify_build"),
        (State.BUILDING, None),
        (State.DONE, None),
        (State.FAILED, None),
        (State.ABANDONED, None),
    ],
)
def test_standing_build_is_queued_again_once(build_make, queued, state: State, task: str | None) -> None:
    build = build_make(state=state)
    Build.objects.update(dispatched_at=None)
    queued.clear()
    now = timezone.now()
    for _ in range(2):
        sweep(now=now)
    assert queued == ([(task, build.id)] if task else [])
    sweep(now=now + timedelta(seconds=31))
    assert len(queued) == (2 if task else 0)


def test_build_that_someone_works_on_or_that_is_not_due_is_left_alone(build_make, queued) -> None:
    now = timezone.now()
    build_make()
    Build.objects.update(dispatched_at=None, lease_owner="x", lease_until=now + timedelta(seconds=5))
    queued.clear()
    assert sweep(now=now) == 0
    assert sweep(now=now + timedelta(seconds=6)) == 1
    Build.objects.update(dispatched_at=None, lease_owner="", lease_until=None, next_try_at=now + timedelta(seconds=60))
    assert sweep(now=now) == 0
    assert sweep(now=now + timedelta(seconds=61)) == 1


def test_import_waits_for_its_verification(owner: User) -> None:
    build = build_import_create(owner=owner, label="x", result_sha256="a" * 64)
    assert (build.state, build.origin) == (State.VERIFYING, "import")
    assert [phase.name for phase in phases(build)] == ["verify"]


def test_phases_tell_what_began_and_what_ended(build_make) -> None:
    build = build_make(state=State.BUILDING)
    ms = int(build.created_at.timestamp() * 1000)
    build.phase_times = {"init": ms + 1000, "build": ms + 3000}
    shown = {phase.name: (phase.status, phase.seconds) for phase in phases(build)}
    assert shown["queued"] == ("done", pytest.approx(1.0, abs=0.01))
    assert shown["init"] == ("done", pytest.approx(2.0, abs=0.01))
    assert shown["detect"] == ("skipped", None)
    assert shown["build"] == ("active", None)
    assert shown["verify"] == ("pending", None)
    assert "vm" not in shown
    build.state = State.FAILED
    build.finished_at = build.created_at + timedelta(seconds=10)
    assert {phase.name: phase.status for phase in phases(build)}["build"] == "failed"


def env(**changes: object):
    return replace(env_read({"DATA_DIR": "/nowhere"}), **changes)


def test_endpoints_follow_the_environment(db: None) -> None:
    other = EndpointEnv("other", "https://kettle.example", "sesam", attests=False)
    endpoints_sync(env(builder_url="http://127.0.0.1:8001", endpoints=(other,)))
    embedded, second = Endpoint.objects.all()
    assert (embedded.name, embedded.is_embedded, embedded.is_default) == ("embedded", True, True)
    assert (second.name, second.attests, second.is_default) == ("other", False, False)
    assert "sesam" not in second.token_encrypted
    assert endpoint_token(second) == "sesam"
    endpoints_sync(env(endpoints=(other,)))
    embedded.refresh_from_db()
    second.refresh_from_db()
    assert (embedded.is_enabled, second.is_enabled, second.is_default) == (False, True, True)


def test_token_goes_nowhere_but_to_its_origin(db: None) -> None:
    endpoint = endpoint_save(name="a", base_url="https://kettle.example/x", token="sesam")
    assert endpoint_token(endpoint) == "sesam"
    endpoint.base_url = "https://evil.example/x"
    assert endpoint_token(endpoint) == ""


@pytest.mark.parametrize(
    ("url", "token", "code"),
    [
        ("http://kettle.example", "sesam", "endpoint-token-plain"),
        ("ftp://kettle.example", "", "endpoint-url"),
        ("https://user:pass@kettle.example", "", "endpoint-url"),
        ("nonsense", "", "endpoint-url"),
        ("https://kettle.example:99999", "", "endpoint-url"),
    ],
)
def test_endpoint_that_cannot_be_used_is_refused(db: None, url: str, token: str, code: str) -> None:
    with pytest.raises(BuildError) as caught:
        endpoint_save(name="a", base_url=url, token=token)
    assert caught.value.code == code
    assert not Endpoint.objects.exists()


def test_token_over_plain_http_to_this_machine_is_allowed(db: None) -> None:
    assert endpoint_token(endpoint_save(name="a", base_url="http://127.0.0.1:1", token="sesam")) == "sesam"
