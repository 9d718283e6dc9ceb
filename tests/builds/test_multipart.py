"""The multipart dialect from the queue to the stored result: one POST, its answer the tarball, nothing sent twice."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from kettle_web.builds import leases
from kettle_web.builds.errors import BuildError, LeaseLost
from kettle_web.builds.follower import DatabaseStore, Follower
from kettle_web.builds.models import Attempt, Build, Endpoint
from kettle_web.builds.selectors import events_after
from kettle_web.builds.services import Source, build_create, build_stop
from kettle_web.builds.states import State
from kettle_web.builds.submit import build_submit, may_take_hours
from kettle_web.core.blobs import blob_read, blob_write_bytes, scratch_folder
from kettle_web.kettle_api.errors import KettleError
from kettle_web.kettle_api.multipart import MultipartBody
from kettle_web.verifications.selectors import nonce_asked
from tests.fakes.kettle_server import BrokenServer, KettleServer

pytestmark = pytest.mark.django_db(transaction=True)
TARBALL = b"\x1f\x8b" + b"result" * 50_000


class MultipartServer(KettleServer):
    """Takes a form and answers with the result."""

    def __init__(self, **script: Any) -> None:
        super().__init__(**script)
        self.forms: list[dict[str, Any]] = []

    async def _build(self, request: Any) -> Response:
        async with request.form(max_part_size=2**30) as form:
            read = {name: value if isinstance(value, str) else (value.filename, await value.read()) for name, value in form.items()}
        self.forms.append(read)
        await anyio.sleep(self.script.build_seconds)
        return self.script.build_answer or Response(TARBALL, media_type="application/gzip")


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    return Endpoint.objects.create(name="silent", base_url="http://127.0.0.1:9", is_default=True, dialect="multipart")


def fresh(build: Build) -> Build:
    return Build.objects.select_related("endpoint").get(id=build.id)


def zip_of(size: int = 1000) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a/file", b"x" * size)
    return made.getvalue()


def test_answer_is_the_result_and_the_build_goes_on_to_its_verification(build_make, queued) -> None:
    with MultipartServer() as server:
        build = build_make(base_url=server.url, repo_ref="main")
        assert may_take_hours(build.id)
        queued.clear()
        build_submit(build.id)
        build_submit(build.id)
    done = fresh(build)
    assert server.forms == [{"repo_url": "https://example.org/a/b", "ref": "main"}]
    assert (done.state, done.result_size, done.lease_owner) == (State.VERIFYING, len(TARBALL), "")
    assert blob_read(done.result_sha256, 10**6) == TARBALL
    assert done.building_at is not None
    assert done.fetching_at is not None
    assert queued == [("verifications.verify_build", build.id)]
    assert "reports no progress" in events_after(done, 0, 10)[0].text


def test_nonce_that_was_never_sent_is_not_asked_of_the_evidence(build_make) -> None:
    with MultipartServer() as server:
        build = build_make(base_url=server.url)
        build_submit(build.id)
    attempt = build.attempts.get()
    assert (attempt.outcome, attempt.is_nonce_sent) == (Attempt.Outcome.ACCEPTED, False)
    assert nonce_asked(fresh(build)) is None


def test_archive_goes_as_a_zip_file_of_its_own_name(owner: User, endpoint: Endpoint) -> None:
    archive = zip_of()
    source = Source(blob_write_bytes(archive).sha256_hex, 'pro"ject.zip', len(archive))
    with MultipartServer() as server:
        Endpoint.objects.update(base_url=server.url)
        build = build_create(owner=owner, endpoint=endpoint, origin="upload", source=source)
        build_submit(build.id)
    [form] = server.forms
    assert form["source"][1] == archive
    assert fresh(build).state == State.VERIFYING


def test_archive_that_is_no_zip_is_refused_before_a_build_is_made(owner: User, endpoint: Endpoint) -> None:
    source = Source(blob_write_bytes(b"\x1f\x8b tarball").sha256_hex, "a.tar.gz", 10)
    with pytest.raises(BuildError, match="ZIP archives only"):
        build_create(owner=owner, endpoint=endpoint, origin="upload", source=source)
    assert not Build.objects.exists()


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (Response(b"PK\x03\x04 older", media_type="application/zip"), "result.zip", "older version"),
        (JSONResponse({"job_id": "5f9c2f0e"}), "result.json", "JSON dialect"),
        (PlainTextResponse("hello"), "result.not-gzip", "something else"),
        (Response(b""), "result.empty", "empty"),
        (PlainTextResponse("cargo said no", 500), "build.server-error", "cargo said no"),
        (PlainTextResponse("no", 401), "build.forbidden", "token"),
    ],
)
def test_other_answer_is_refused_with_a_sentence_and_not_sent_again(build_make, answer: Response, code: str, said: str) -> None:
    with MultipartServer(build_answer=answer) as server:
        build = build_make(base_url=server.url)
        build_submit(build.id)
        build_submit(build.id)
        assert len(server.forms) == 1
    assert (fresh(build).state, fresh(build).failure_code) == (State.FAILED, code)
    assert said in fresh(build).failure_message
    assert list(scratch_folder().iterdir()) == []


def test_answer_that_breaks_off_leaves_the_outcome_unknown(build_make) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield TARBALL[:1000]
        raise OSError("the cable")

    answer = StreamingResponse(half(), media_type="application/gzip", headers={"Content-Length": str(len(TARBALL))})
    with MultipartServer(build_answer=answer) as server:
        build = build_make(base_url=server.url)
        build_submit(build.id)
        build_submit(build.id)
        assert len(server.forms) == 1
    assert (fresh(build).state, fresh(build).failure_code) == (State.FAILED, "outcome-unknown")
    assert build.attempts.get().outcome == Attempt.Outcome.UNKNOWN


def test_reset_after_the_whole_form_leaves_the_outcome_unknown(build_make) -> None:
    with BrokenServer(read_bytes=None) as server:
        build = build_make(base_url=server.url)
        build_submit(build.id)
        build_submit(build.id)
        assert server.connections == 1
    assert fresh(build).failure_code == "outcome-unknown"


def test_409_comes_after_the_form_and_the_build_waits_for_the_next_machine(owner: User) -> None:
    from kettle_web.builds.models import Pool

    pool = Pool.objects.create(name="pool", dialect="multipart")
    with MultipartServer(build_answer=PlainTextResponse("spent", 409)) as used, MultipartServer() as good:
        for name, server in (("a", used), ("b", good)):
            Endpoint.objects.create(name=name, base_url=server.url, pool=pool, kind="one-shot", dialect="multipart")
        build = build_create(owner=owner, pool=pool, origin="repository", repo_url="https://example.org/a/b")
        build_submit(build.id)
        assert fresh(build).state == State.QUEUED
        build_submit(build.id)
        assert (len(used.forms), len(good.forms)) == (1, 1)
    assert fresh(build).state == State.VERIFYING


def test_stop_gives_the_connection_up(build_make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.15)
    with MultipartServer(build_seconds=600) as server:
        build = build_make(base_url=server.url)

        def stop() -> None:
            while fresh(build).state != State.BUILDING:
                time.sleep(0.01)
            build_stop(build)
            connections.close_all()

        stopper = threading.Thread(target=stop)
        stopper.start()
        build_submit(build.id)
        stopper.join()
    assert (fresh(build).state, fresh(build).failure_code) == (State.ABANDONED, "stopped")
    assert build.attempts.get().outcome == Attempt.Outcome.UNKNOWN
    assert list(scratch_folder().iterdir()) == []


async def test_worker_that_died_meanwhile_is_found_by_the_follower_and_nothing_is_sent_again(build_make) -> None:
    def left_behind() -> Build:
        build = build_make()
        past = timezone.now() - timedelta(seconds=1)
        Build.objects.filter(id=build.id).update(state=State.BUILDING, lease_owner="dead", lease_until=past, building_at=past)
        Attempt.objects.update(outcome=Attempt.Outcome.SENT, endpoint=build.endpoint)
        return build

    follower = Follower()
    # In the follower's own thread, whose connection is closed at the end.
    build = await follower.database(left_behind)
    assert await follower.database(follower._claim) == [build.id]
    with pytest.raises(LeaseLost):
        await DatabaseStore(follower.database, build.id, follower.owner).target()
    ended = await follower.database(fresh, build)
    await follower.database.close()
    assert (ended.state, ended.failure_code) == (State.FAILED, "outcome-unknown")


def test_form_has_the_length_that_it_says(tmp_path: Path) -> None:
    async def whole(body: MultipartBody) -> bytes:
        return b"".join([piece async for piece in body])

    file = tmp_path / "a.zip"
    file.write_bytes(zip_of(300_000))
    for body in (MultipartBody(repo_url="https://a.example/ä", repo_ref="m"), MultipartBody(source=file, source_name='a"\r\nb.zip')):
        sent = anyio.run(whole, body)
        assert len(sent) == body.length
        assert body.is_handed_over
        assert sent.count(b"Content-Disposition") in (1, 2)
    assert b"a%22%0D%0Ab.zip" in sent
    file.write_bytes(b"\x1f\x8b not a ZIP")
    with pytest.raises(KettleError, match="ZIP archives only"):
        MultipartBody(source=file)
