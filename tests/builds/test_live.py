"""The whole flow against a Kettle server of one's own choice:

    KETTLE_LIVE_URL=https://… [KETTLE_LIVE_TOKEN=…] [KETTLE_LIVE_REPO=https://…] bin/test -m live

The bundled sample is built, or the repository that is named. It takes one build of that server; a one-shot machine is spent.
"""

from __future__ import annotations

import os

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from kettle_web.builds.endpoints import endpoint_client, endpoint_save
from kettle_web.builds.fetch import result_fetch
from kettle_web.builds.follow_limits import FollowLimits
from kettle_web.builds.models import Attempt, Build
from kettle_web.builds.selectors import events_after
from kettle_web.builds.services import build_create
from kettle_web.builds.sources import sample_source
from kettle_web.builds.states import State
from kettle_web.builds.submit import build_submit
from kettle_web.verifications.services import report_create
from tests.builds.test_follow import follow

URL = os.environ.get("KETTLE_LIVE_URL", "")
BUILD_SECONDS = 1800.0

pytestmark = [
    pytest.mark.live,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not URL, reason="KETTLE_LIVE_URL names no Kettle server"),
]


def test_build_from_source_to_report(owner: User) -> None:
    endpoint = endpoint_save(name="live", base_url=URL, token=os.environ.get("KETTLE_LIVE_TOKEN", ""))
    with endpoint_client(endpoint) as client:
        assert client.health() == "ok"
    repository = os.environ.get("KETTLE_LIVE_REPO", "")
    what = {"origin": "repository", "repo_url": repository} if repository else {"origin": "upload", "source": sample_source()}
    build = build_create(owner=owner, endpoint=endpoint, **what)

    build_submit(build.id)
    build.refresh_from_db()
    assert build.state == State.BUILDING, build.failure_message
    assert build.attempts.get().outcome == Attempt.Outcome.ACCEPTED

    build = follow(build, FollowLimits(), seconds=BUILD_SECONDS)
    events = events_after(build, 0, 10**6)
    print("".join(f"[{event.type}] {event.text}\n" for event in events))
    assert build.state == State.FETCHING, build.failure_message
    assert [event.seq for event in events] == list(range(1, build.last_seq + 1))
    assert events[-1].type == "complete"

    for _ in range(5):
        Build.objects.filter(id=build.id).update(next_try_at=None)
        result_fetch(build.id)
        build.refresh_from_db()
        if build.state != State.FETCHING:
            break
    assert build.state == State.VERIFYING, build.failure_message

    report = report_create(build=build, now=timezone.now())
    print(report.headline)
    failed = [row for row in report.document["checks"] if row.get("outcome") == "fail"] if "checks" in report.document else []
    assert report.verdict != "failed", (report.headline, failed)
    build.refresh_from_db()
    assert build.state == State.DONE
