"""Recorded exchanges with servers of every documented dialect, odd ones included: what must come of each stands in its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from kettle_web.builds.eventlog import NOTE_TYPE
from kettle_web.builds.fetch import result_fetch
from kettle_web.builds.models import Build, Endpoint
from kettle_web.builds.selectors import events_after
from kettle_web.builds.states import State
from kettle_web.builds.submit import build_submit
from tests.builds.test_follow import QUICK, follow
from tests.fakes.transcript import RESULT, TranscriptServer, transcript_read

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = Path(__file__).parent / "transcripts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
LIMITS = replace(QUICK, gone_seconds=0.3)


def test_every_dialect_has_its_transcript() -> None:
    assert len(NAMES) >= 20
    for name in NAMES:
        transcript = transcript_read(FOLDER / f"{name}.txt")
        assert transcript.about
        assert transcript.expect["state"] in ("verifying", "failed")


@pytest.mark.parametrize("name", NAMES)
def test_transcript(build_make, name: str) -> None:
    transcript = transcript_read(FOLDER / f"{name}.txt")
    expect = transcript.expect
    with TranscriptServer(transcript) as server:
        build = build_make(base_url=server.url)
        Endpoint.objects.update(dialect=expect.get("dialect", "json"))
        build = play(build)
        requests = list(server.requests)
    assert (build.state, build.fault) == (expect["state"], expect.get("fault", "")), build.failure_message
    if expect["state"] == "verifying":
        assert build.result_size == len(RESULT)
    else:
        assert build.failure_code == expect["code"]
        assert build.failure_message
    if "message" in expect:
        assert expect["message"] in build.failure_message
    if "says" in expect:
        assert expect["says"] in build.failure_message
    assert [method for method, _path in requests].count("POST") == expect.get("posts", 1)
    assert_log(build, expect)
    if "from" in expect:
        asked = [parse_qs(urlsplit(path).query).get("from", [None])[0] for _method, path in requests if "/events" in path]
        assert asked[: len(expect["from"])] == expect["from"]


def play(build: Build) -> Build:
    """Take the build through its whole life, as the worker's tasks and follower do."""
    build_submit(build.id)
    build.refresh_from_db()
    if build.state == State.BUILDING:
        build = follow(build, LIMITS, seconds=20)
    for _ in range(12):
        if build.state != State.FETCHING:
            break
        Build.objects.filter(id=build.id).update(next_try_at=None)
        result_fetch(build.id)
        build.refresh_from_db()
    return build


def assert_log(build: Build, expect: dict) -> None:
    events = events_after(build, 0, 1000)
    assert [event.seq for event in events] == list(range(1, build.last_seq + 1))
    if expect.get("build", []) is not None:
        assert [event.text for event in events if event.type == "build"] == expect.get("build", [])
    notes = [event.text for event in events if event.type == NOTE_TYPE]
    assert any(expect["note"] in note for note in notes) if "note" in expect else not any("missing" in note for note in notes)
    if "types" in expect:
        assert [event.type for event in events if event.type not in (NOTE_TYPE, "complete")] == expect["types"]
