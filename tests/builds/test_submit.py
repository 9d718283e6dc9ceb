"""One POST: its nonce stored before it leaves, never silently a second one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from starlette.responses import PlainTextResponse, Response

from kettle_web.builds.again import again_block
from kettle_web.builds.models import Attempt, Build
from kettle_web.builds.states import State
from kettle_web.builds.submit import TRIES, build_submit
from kettle_web.kettle_api.client import KettleClient
from tests.fakes.kettle_server import JOB, BrokenServer, KettleServer

pytestmark = pytest.mark.django_db(transaction=True)


def due(build: Build) -> None:
    """Let the time of the back-off pass."""
    Build.objects.filter(id=build.id).update(next_try_at=None)


def test_build_is_sent_once_and_its_job_is_known(build_make) -> None:
    with KettleServer() as server:
        build = build_make(base_url=server.url, repo_ref="main", nonce=bytes(range(16)), nonce_made_by="browser")
        build_submit(build.id)
        build_submit(build.id)
    build.refresh_from_db()
    assert (build.state, build.job_id, build.lease_owner) == (State.BUILDING, JOB, "")
    assert server.submissions == [{"nonce": bytes(range(16)).hex(), "repo_url": "https://example.org/a/b", "repo_ref": "main"}]
    attempt = build.attempts.get()
    assert (attempt.outcome, attempt.nonce_made_by) == (Attempt.Outcome.ACCEPTED, "browser")
    assert attempt.sent_at is not None
    assert attempt.answered_at is not None


def test_unreachable_server_is_tried_again_with_the_same_attempt(build_make) -> None:
    build = build_make(base_url="http://127.0.0.1:9")
    nonce = build.attempts.get().nonce_hex
    build_submit(build.id)
    build.refresh_from_db()
    assert (build.state, build.tries) == (State.QUEUED, 1)
    assert build.next_try_at is not None
    assert build.next_try_at > timezone.now()
    with KettleServer() as server:
        build.endpoint.base_url = server.url
        build.endpoint.save()
        build_submit(build.id)
        assert server.submissions == []
        due(build)
        build_submit(build.id)
    assert [submission["nonce"] for submission in server.submissions] == [nonce]


def test_server_that_stays_unreachable_fails_the_build_by_the_network(build_make) -> None:
    build = build_make(base_url="http://127.0.0.1:9")
    for _ in range(TRIES):
        due(build)
        build_submit(build.id)
    build.refresh_from_db()
    assert (build.state, build.fault) == (State.FAILED, "network")
    assert build.attempts.get().outcome == Attempt.Outcome.PREPARED


@pytest.mark.parametrize(
    ("answer", "fault", "code"),
    [
        (PlainTextResponse("oops", 500), "builder", "build.server-error"),
        (PlainTextResponse("oops", 500, {"Retry-After": "1"}), "builder", "build.server-error"),
        (PlainTextResponse("yes", 202), "builder", "build.unexpected"),
        (PlainTextResponse("yes"), "builder", "build.not-json"),
        (Response("{}", media_type="application/json"), "builder", "build.no-job-id"),
        (PlainTextResponse("gone", 504, {"Retry-After": "1"}), "network", "outcome-unknown"),
    ],
)
def test_answer_that_does_not_say_whether_it_began_is_said_and_has_to_be_confirmed(
    build_make, owner, answer: Response, fault: str, code: str
) -> None:
    with KettleServer(build_answer=answer) as server:
        build = build_make(base_url=server.url)
        build_submit(build.id)
        build_submit(build.id)
        assert len(server.submissions) == 1
    build.refresh_from_db()
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, fault, code)
    assert "not sent a second time" in build.failure_message
    assert build.attempts.get().outcome == Attempt.Outcome.UNKNOWN
    assert "built twice" in again_block(build, owner).warning


@pytest.mark.parametrize(
    ("answer", "fault", "code"),
    [
        (PlainTextResponse("nonce must be 16 bytes", 400), "us", "build.bad-request"),
        (PlainTextResponse("no", 401), "us", "build.forbidden"),
        (PlainTextResponse("no", 404), "us", "build.not-found"),
        (PlainTextResponse("this CVM has already accepted a build", 409), "builder", "build.spent"),
        (PlainTextResponse("length limit exceeded", 413), "source", "build.too-large"),
        (PlainTextResponse("no", 415), "us", "build.not-understood"),
        (PlainTextResponse("no", 422), "us", "build.not-understood"),
        (Response("<html>hi</html>", media_type="text/html"), "builder", "build.html"),
    ],
)
def test_refusal_says_whose_fault_it_is_and_is_not_sent_again(build_make, answer: Response, fault: str, code: str) -> None:
    with KettleServer(build_answer=answer) as server:
        build = build_make(base_url=server.url)
        build_submit(build.id)
        build_submit(build.id)
        assert len(server.submissions) == 1
    build.refresh_from_db()
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, fault, code)
    assert build.failure_message
    assert build.attempts.get().outcome == Attempt.Outcome.REFUSED


def test_busy_server_is_asked_again_with_a_fresh_nonce(build_make) -> None:
    with KettleServer(build_answer=PlainTextResponse("busy", 429)) as server:
        build = build_make(base_url=server.url)
        build_submit(build.id)
        server.script.build_answer = None
        due(build)
        build_submit(build.id)
    build.refresh_from_db()
    assert build.state == State.BUILDING
    first, second = server.submissions
    assert first["nonce"] != second["nonce"]
    assert [attempt.outcome for attempt in build.attempts.all()] == ["refused", "accepted"]


def test_reset_after_the_whole_request_ends_honestly(build_make) -> None:
    with BrokenServer(read_bytes=None) as server:
        build = build_make(base_url=server.url)
        build_submit(build.id)
        build_submit(build.id)
        assert server.connections == 1
    build.refresh_from_db()
    assert (build.state, build.failure_code) == (State.FAILED, "outcome-unknown")
    assert "not sent a second time" in build.failure_message
    assert build.attempts.get().outcome == Attempt.Outcome.UNKNOWN


@pytest.mark.parametrize("state", [State.QUEUED, State.SUBMITTING])
def test_worker_that_died_between_post_and_answer_is_not_followed_by_a_second_post(build_make, state: State) -> None:
    with KettleServer() as server:
        build = build_make(base_url=server.url)
        Build.objects.filter(id=build.id).update(state=state)
        build.attempts.update(outcome=Attempt.Outcome.SENT, sent_at=timezone.now())
        build_submit(build.id)
        assert server.submissions == []
    build.refresh_from_db()
    assert (build.state, build.failure_code) == (State.FAILED, "outcome-unknown")
    assert build.attempts.get().outcome == Attempt.Outcome.UNKNOWN


def test_worker_that_died_before_sending_is_followed_by_one_post(build_make) -> None:
    with KettleServer() as server:
        build = build_make(base_url=server.url)
        Build.objects.filter(id=build.id).update(state=State.SUBMITTING)
        build_submit(build.id)
        assert len(server.submissions) == 1
    build.refresh_from_db()
    assert build.state == State.BUILDING


def test_build_with_a_living_lease_is_left_alone(build_make) -> None:
    with KettleServer() as server:
        build = build_make(base_url=server.url)
        later = timezone.now() + timedelta(seconds=20)
        Build.objects.filter(id=build.id).update(lease_owner="someone", lease_until=later)
        build_submit(build.id)
        assert server.submissions == []


def test_missing_source_is_our_fault_and_nothing_is_sent(build_make) -> None:
    with KettleServer() as server:
        build = build_make(base_url=server.url)
        Build.objects.filter(id=build.id).update(source_sha256="0" * 64, repo_url="")
        build_submit(build.id)
        assert server.submissions == []
    build.refresh_from_db()
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, "us", "blob-missing")


def test_what_breaks_before_sending_ends_the_build_and_says_so(build_make) -> None:
    def broken(endpoint: object) -> KettleClient:
        raise RuntimeError("a bug of ours")

    build = build_make(base_url="http://127.0.0.1:9")
    build_submit(build.id, client_for=broken)
    build.refresh_from_db()
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, "us", "submit.broken")
    assert build.attempts.get().outcome == Attempt.Outcome.PREPARED


def test_what_breaks_after_sending_leaves_the_outcome_open(build_make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **values: object) -> str:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(KettleClient, "submit", broken)
    build = build_make(base_url="http://127.0.0.1:9")
    build_submit(build.id)
    build.refresh_from_db()
    assert (build.state, build.failure_code) == (State.FAILED, "outcome-unknown")
    assert build.attempts.get().outcome == Attempt.Outcome.UNKNOWN
