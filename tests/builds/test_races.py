"""Several at once: workers, clicks, pieces, a stop in the middle. Threads and a real database, no mocks."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator

import anyio
import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone
from starlette.responses import StreamingResponse

from kettle_web.builds import leases
from kettle_web.builds.fetch import result_fetch
from kettle_web.builds.models import Build, Upload
from kettle_web.builds.services import build_stop
from kettle_web.builds.states import State
from kettle_web.builds.submit import build_submit
from kettle_web.builds.sweeper import sweep
from kettle_web.builds.uploads import OffsetMismatch, upload_append, upload_create
from kettle_web.core.blobs import scratch_folder
from tests.at_once import AT_ONCE, at_once
from tests.fakes.kettle_server import KettleServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_workers_that_take_one_build_at_once_submit_it_once(build_make) -> None:
    with KettleServer(build_seconds=0.2) as server:
        build = build_make(base_url=server.url)
        at_once(lambda _number: build_submit(build.id))
        assert len(server.submissions) == 1
    build.refresh_from_db()
    assert build.state == State.BUILDING
    assert build.attempts.count() == 1


def test_form_sent_many_times_at_once_is_one_build(endpoint, owner: User) -> None:
    def send(_number: int) -> tuple[int, str]:
        client = Client()
        client.force_login(owner)
        answer = client.post("/builds/new/", {"way": "repository", "repo_url": "https://127.0.0.1.example/a", "submission_key": "same"})
        return answer.status_code, answer.get("Location", "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kettle_web.builds.views.repository_commit", lambda repository: "")
        answers = at_once(send)
    build = Build.objects.get()
    assert set(answers) == {(302, f"/builds/{build.uid}/")}


def test_twenty_people_who_submit_at_once_all_get_their_build(endpoint) -> None:
    people = [User.objects.create_user(f"person-{number}") for number in range(20)]

    def send(number: int) -> int:
        client = Client()
        client.force_login(people[number])
        return client.post("/builds/new/", {"way": "repository", "repo_url": f"https://example.org/{number}"}).status_code

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kettle_web.builds.views.repository_commit", lambda repository: "")
        assert at_once(send, 20) == [302] * 20
    assert Build.objects.count() == 20


def test_sweepers_at_once_queue_a_build_once(build_make, queued) -> None:
    build_make()
    Build.objects.update(dispatched_at=None)
    queued.clear()
    now = timezone.now()
    assert sum(at_once(lambda _number: sweep(now=now))) == 1
    assert len(queued) == 1


def test_pieces_sent_at_once_do_not_mix(owner: User) -> None:
    upload = upload_create(owner=owner, name="a.zip", size=200_000)

    def send(number: int) -> int:
        try:
            upload_append(upload=Upload.objects.get(pk=upload.pk), offset=0, chunk=bytes([number]) * 100_000)
        except OffsetMismatch as refused:
            return refused.received
        return 0

    assert sorted(at_once(send)) == [0, *[100_000] * (AT_ONCE - 1)]
    upload.refresh_from_db()
    assert upload.received == 100_000


def test_last_piece_sent_twice_at_once_finishes_once(owner: User) -> None:
    upload = upload_create(owner=owner, name="a.zip", size=5)

    def send(_number: int) -> str:
        try:
            return upload_append(upload=Upload.objects.get(pk=upload.pk), offset=0, chunk=b"hello").sha256
        except OffsetMismatch:
            return ""

    answers = at_once(send)
    upload.refresh_from_db()
    assert set(answers) - {""} == {upload.sha256}
    assert upload.sha256


def test_stop_while_the_result_comes_ends_the_download(build_make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.15)
    sent = 0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b"\x1f\x8b"
        for _ in range(400):
            sent += 1
            if sent == 10:
                threading.Thread(target=stop).start()
            await anyio.sleep(0.02)
            yield b"x" * 1000

    def stop() -> None:
        build_stop(build)
        connections.close_all()

    with KettleServer(result_answer=StreamingResponse(slowly(), media_type="application/gzip")) as server:
        build = build_make(base_url=server.url, state=State.FETCHING)
        result_fetch(build.id)
    build.refresh_from_db()
    assert (build.state, build.result_sha256, build.fault) == (State.ABANDONED, "", "")
    assert sent < 200
    assert list(scratch_folder().iterdir()) == []
