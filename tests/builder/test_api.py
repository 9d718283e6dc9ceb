"""The API of a running server: statuses, order of checks, who may ask."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from kettle_web.builder import api
from kettle_web.builder.eventlog import EventTail
from kettle_web.builder.jobs import JobStore, Request, job_fail
from kettle_web.builder.options import Options
from kettle_web.builder.scheduler import Scheduler
from tests.builder.running import CHECKOUT, NONCE, Builder, archive, builder_running, encoded

BROKEN = encoded(b"neither zip nor gzip")


def test_health_is_ok(builder: Builder) -> None:
    answer = builder.http.get("/health")
    assert (answer.status_code, answer.text) == (200, "ok")


def test_the_type_is_looked_at_before_anything_else(builder: Builder) -> None:
    assert builder.http.post("/build", content=b"{", headers={"Content-Type": "text/plain"}).status_code == 415
    assert builder.http.post("/build", content=b"{}").status_code == 415


def test_errors_are_plain_text(builder: Builder) -> None:
    answer = builder.http.post("/build", json={"nonce": "xyz", "repo_url": "https://host.example/a/b"})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert "nonce" in answer.text


def test_too_large_a_body_is_413_whether_declared_or_not(data: Path) -> None:
    with builder_running(data, "--max-body", "1") as small:
        headers = {"Content-Type": "application/json"}
        assert small.http.post("/build", content=b" " * (2 << 20), headers=headers).status_code == 413
        assert small.http.post("/build", content=(b" " * 65536 for _ in range(40)), headers=headers).status_code == 413
        assert not list((data / "incoming").iterdir())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Host": "[::1]:1"}, 200),
        ({"Host": "localhost:9"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:9", "Origin": "http://localhost:9"}, 200),
        ({"Host": "localhost:9", "Origin": "http://localhost:8"}, 403),
    ],
)
def test_pages_of_other_sites_are_kept_out(builder: Builder, headers: dict[str, str], status: int) -> None:
    assert builder.http.get("/health", headers=headers).status_code == status


def test_another_name_can_be_allowed(data: Path) -> None:
    with builder_running(data, "--allow-host", "builder") as named:
        assert named.http.get("/health", headers={"Host": "builder:8090"}).status_code == 200


@pytest.mark.parametrize("job_id", ["x", "..", "%2e%2e", "0" * 36, "725a66f3-e152-431c-8fd2-d13772fd1988"])
@pytest.mark.parametrize("what", ["events", "result"])
def test_unknown_jobs_are_404(builder: Builder, job_id: str, what: str) -> None:
    assert builder.http.get(f"/build/{job_id}/{what}").status_code == 404


def test_a_broken_archive_fails_as_the_sources_fault_and_has_no_result(builder: Builder) -> None:
    job_id = builder.submit(source_data=BROKEN)
    assert re.fullmatch(r"[0-9a-f-]{36}", job_id)
    outcome = builder.outcome(job_id)
    assert outcome["status"] == "failed"
    assert outcome["error_type"] == "SourceError"
    assert builder.http.get(f"/build/{job_id}/result").status_code == 404


@pytest.mark.parametrize(
    ("files", "error_type", "words"),
    [
        ({"README": "x"}, "SourceError", "nothing to build"),
        ({"Cargo.toml": "[package]"}, "LockfileMissing", "cargo generate-lockfile"),
        ({"package.json": "{}"}, "LockfileMissing", "pnpm install"),
    ],
)
def test_what_cannot_be_built_says_why(builder: Builder, files: dict[str, str], error_type: str, words: str) -> None:
    outcome = builder.outcome(builder.submit_files(files))
    assert (outcome["status"], outcome["error_type"]) == ("failed", error_type)
    assert words in outcome["error"]


@pytest.mark.parametrize("url", ["file:///etc", "ext::sh -c id", "http://127.0.0.1:1/x", "https://user:pw@host.example/x", "not a url"])
def test_bad_addresses_fail_as_the_sources_fault(builder: Builder, url: str) -> None:
    assert builder.outcome(builder.submit(repo_url=url))["error_type"] == "SourceError"


def test_a_ref_that_looks_like_an_option_is_refused(builder: Builder) -> None:
    outcome = builder.outcome(builder.submit(repo_url="https://host.example/a/b", repo_ref="--upload-pack=id"))
    assert outcome["error_type"] == "SourceError"


def test_events_have_ids_and_from_skips(builder: Builder) -> None:
    job_id = builder.submit(source_data=BROKEN)
    every = list(builder.follow(job_id))
    assert [number for number, _ in every] == list(range(1, len(every) + 1))
    assert list(builder.follow(job_id, after=2)) == every[2:]
    assert list(builder.follow(job_id, after=999)) == []
    assert builder.http.get(f"/build/{job_id}/events?from=-1").status_code == 400
    # A browser that reconnects repeats its first address, and says what it has read by then.
    again = builder.http.get(f"/build/{job_id}/events?from=0", headers={"Last-Event-ID": "2"})
    assert again.text.count("id: ") == len(every) - 2
    assert builder.http.get(f"/build/{job_id}/events", headers={"Last-Event-ID": "x"}).status_code == 400


def test_a_stream_is_server_sent_events_of_one_line_each(builder: Builder) -> None:
    job_id = builder.submit(source_data=BROKEN)
    answer = builder.http.get(f"/build/{job_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    for block in answer.text.strip().split("\n\n"):
        assert re.fullmatch(r": .*|id: \d+\ndata: \{.*\}", block), block


async def test_a_body_that_pauses_for_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BODY_IDLE_SECONDS", 0.01)
    options, store = Options(data=tmp_path), JobStore(tmp_path)
    served = api.Api(options, store, Scheduler(options)).application()
    pieces = [{"type": "http.request", "body": b"{", "more_body": True}]
    sent: list[Message] = []

    async def receive() -> Message:
        return pieces.pop() if pieces else await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    await served({"type": "http", "method": "POST", "path": "/build", "query_string": b"", "headers": headers}, receive, send)
    assert sent[0]["status"] == 408
    assert not list(store.incoming.iterdir())


async def test_a_silent_build_keeps_its_stream_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "KEEP_ALIVE_SECONDS", 0.0)
    options, store = Options(data=tmp_path), JobStore(tmp_path)
    served = api.Api(options, store, Scheduler(options))
    job = store.create(Request(nonce_hex=NONCE), None)
    stream = served._follow(EventTail(job.events))
    assert [await anext(stream) for _ in range(3)] == [b": the events of one build\n\n", *[b": still here\n\n"] * 2]
    job_fail(job, "It ends.", "BuildFailed")
    rest = [piece async for piece in stream]
    assert rest[-1].startswith(b'id: 1\ndata: {"type": "complete"')


def test_a_single_build_server_accepts_one(data: Path) -> None:
    with builder_running(data, "--single-build") as single:
        refused = single.http.post("/build", json={"nonce": "short", "source_data": BROKEN})
        assert refused.status_code == 400
        job_id = single.submit(source_data=BROKEN)
        again = single.http.post("/build", json={"nonce": NONCE, "source_data": BROKEN})
        assert (again.status_code, "already accepted a build" in again.text) == (409, True)
        assert single.http.post("/build", json={"nonce": "short", "source_data": BROKEN}).status_code == 400
        assert not {"queued", "vm"} & {event["type"] for event in single.events(job_id)}
    with builder_running(data, "--single-build") as restarted:
        assert restarted.http.post("/build", json={"nonce": NONCE, "source_data": BROKEN}).status_code == 409


def test_jobs_and_results_survive_a_restart(data: Path) -> None:
    with builder_running(data) as first:
        job_id = first.submit(source_data=BROKEN)
        before = first.events(job_id)
    with builder_running(data) as second:
        assert second.events(job_id) == before


def test_a_second_server_is_kept_off_the_data_folder(data: Path) -> None:
    with builder_running(data):
        words = [sys.executable, "-m", "kettle_web.builder", "--port", "0", "--data", str(data)]
        second = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False, cwd=CHECKOUT)
    assert (second.returncode, second.stdout) == (1, "")
    assert "Another server uses the data folder" in second.stderr


def test_no_uploads_are_left_behind(builder: Builder) -> None:
    job_id = builder.submit_files({"README": "x"})
    builder.events(job_id)
    folder = builder.data / "jobs" / job_id
    assert not (folder / "source").exists()
    assert not (folder / "work").exists()
    assert json.loads((folder / "request.json").read_text())["nonce_hex"] == NONCE


def test_hostile_archives_are_refused(builder: Builder) -> None:
    outcome = builder.outcome(builder.submit(source_data=encoded(archive({"../../x": "y"}))))
    assert outcome["error_type"] == "SourceError"


def test_the_answer_to_a_wrong_method_is_405(builder: Builder) -> None:
    assert builder.http.get("/build").status_code == 405
    assert httpx.delete(f"{builder.address}/health", trust_env=False).status_code == 405
