"""Bringing the result into storage."""

from __future__ import annotations

import hashlib

import pytest
from starlette.responses import PlainTextResponse, Response

from kettle_web.builds import fetch
from kettle_web.builds.fetch import NOT_FOUND_TRIES, result_fetch
from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.core.blobs import blob_read, scratch_folder
from kettle_web.kettle_api.client import KettleClient
from tests.fakes.kettle_server import BrokenServer, KettleServer

pytestmark = pytest.mark.django_db(transaction=True)


def run(build: Build) -> Build:
    Build.objects.filter(id=build.id).update(next_try_at=None)
    result_fetch(build.id)
    build.refresh_from_db()
    return build


def test_result_is_stored_byte_for_byte_and_verified_next(build_make, queued) -> None:
    with KettleServer() as server:
        build = run(build_make(base_url=server.url, state=State.FETCHING))
        result = server.script.result
    assert (build.state, build.result_size) == (State.VERIFYING, len(result))
    assert build.result_sha256 == hashlib.sha256(result).hexdigest()
    assert blob_read(build.result_sha256, 1000) == result
    assert queued[-1] == ("verifications.verify_build", build.id)
    assert list(scratch_folder().iterdir()) == []


def test_missing_result_is_asked_for_again_and_then_the_servers_fault(build_make) -> None:
    with KettleServer(result_answer=PlainTextResponse("no", 404)) as server:
        build = build_make(base_url=server.url, state=State.FETCHING)
        for _ in range(NOT_FOUND_TRIES - 1):
            assert run(build).state == State.FETCHING
        build = run(build)
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, "builder", "result-missing")


def test_half_a_result_is_not_kept_and_asked_for_again(build_make) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\nContent-Length: 1000\r\n\r\n\x1f\x8bhalf"
    with BrokenServer(read_bytes=65536, answer=half) as broken:
        build = run(build_make(base_url=broken.url, state=State.FETCHING))
    assert (build.state, build.tries, build.result_sha256) == (State.FETCHING, 1, "")
    with KettleServer() as server:
        build.endpoint.base_url = server.url
        build.endpoint.save()
        assert run(build).state == State.VERIFYING


@pytest.mark.parametrize("answer", [Response("<html>", media_type="text/html"), Response(b"")])
def test_answer_that_is_no_result_fails_by_the_server(build_make, answer: Response) -> None:
    with KettleServer(result_answer=answer) as server:
        build = build_make(base_url=server.url, state=State.FETCHING)
        for _ in range(fetch.TRIES):
            build = run(build)
    assert (build.state, build.fault) == (State.FAILED, "builder")


def test_result_over_the_cap_fails(build_make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_RESULT_BYTES", 10)
    with KettleServer() as server:
        build = run(build_make(base_url=server.url, state=State.FETCHING))
    assert (build.state, build.failure_code) == (State.FAILED, "result.too-large")


def test_disk_that_stays_full_is_our_fault(build_make, monkeypatch: pytest.MonkeyPatch) -> None:
    from kettle_web.core import disk

    monkeypatch.setattr(disk, "HEADROOM_BYTES", 2**62)
    with KettleServer() as server:
        build = build_make(base_url=server.url, state=State.FETCHING)
        for _ in range(fetch.NETWORK_TRIES):
            build = run(build)
    assert (build.state, build.fault, build.failure_code) == (State.FAILED, "us", "disk-full")


def test_build_of_another_state_is_left_alone(build_make) -> None:
    with KettleServer() as server:
        build = run(build_make(base_url=server.url, state=State.DONE))
    assert build.result_sha256 == ""


def test_what_breaks_on_our_side_is_tried_again_and_then_said(build_make) -> None:
    def broken(endpoint: object) -> KettleClient:
        raise RuntimeError("a bug of ours")

    build = build_make(base_url="http://127.0.0.1:9", state=State.FETCHING)
    for _ in range(fetch.TRIES):
        assert build.state == State.FETCHING
        Build.objects.update(next_try_at=None)
        result_fetch(build.id, client_for=broken)
        build.refresh_from_db()
    assert (build.state, build.fault, build.failure_code, build.lease_owner) == (State.FAILED, "us", "fetch.broken", "")
