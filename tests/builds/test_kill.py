"""A real Celery worker killed in the middle: one submission, and no event lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.kettle_server import OK, KettleServer, lines

CHECKOUT = Path(__file__).resolve().parents[2]
CREATE = """
import django
django.setup()
from django.conf import settings
from django.contrib.auth.models import User
from kettle_web.builds.endpoints import endpoints_sync
from kettle_web.builds.services import build_create
[endpoint] = endpoints_sync(settings.ENV)
owner = User.objects.create_user("owner")
build_create(owner=owner, endpoint=endpoint, origin="repository", repo_url="https://example.org/a/b", nonce=None)
"""

pytestmark = pytest.mark.stack


class Site:
    """A data folder with one build in it, and a worker that can be killed."""

    def __init__(self, folder: Path, builder_url: str) -> None:
        self.folder = folder
        self.environ = {
            **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL")},
            "DATA_DIR": str(folder),
            "BUILDER_URL": builder_url,
            "DJANGO_SETTINGS_MODULE": "kettle_web.settings",
        }
        self._run("-m", "django", "migrate", "-v", "0")
        self._run("-c", CREATE)
        self.worker: subprocess.Popen[bytes] | None = None

    def _run(self, *arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=CHECKOUT, env=self.environ, check=True, timeout=60)

    def start(self) -> None:
        command = [sys.executable, "-m", "celery", "-A", "kettle_web.celery", "worker", "--pool", "threads", "-c", "4"]
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"],
                cwd=CHECKOUT, env=self.environ, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        if self.worker is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.worker.pid, signal.SIGKILL)
            self.worker.wait()
            self.worker = None

    def row(self) -> dict[str, Any]:
        with contextlib.closing(sqlite3.connect(self.folder / "kettle.sqlite3", timeout=20)) as database:
            database.row_factory = sqlite3.Row
            return dict(database.execute("SELECT * FROM builds_build").fetchone())

    def events(self) -> list[list[Any]]:
        with contextlib.closing(sqlite3.connect(self.folder / "kettle.sqlite3", timeout=20)) as database:
            chunks = database.execute("SELECT payload FROM builds_eventchunk ORDER BY first_seq").fetchall()
        return [json.loads(line) for (payload,) in chunks for line in zlib.decompress(payload).split(b"\n")]

    def wait(self, condition: Callable[[dict[str, Any]], bool], seconds: float = 40) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition(row := self.row()):
                return row
            time.sleep(0.05)
        raise AssertionError(f"{self.row()}\n{(self.folder / 'worker.log').read_text()[-4000:]}")


@contextlib.contextmanager
def site(folder: Path, server: KettleServer) -> Iterator[Site]:
    running = Site(folder, server.url)
    try:
        yield running
    finally:
        running.kill()


@pytest.mark.parametrize("numbered", [True, False])
def test_worker_killed_while_following_loses_and_doubles_nothing(tmp_path: Path, numbered: bool) -> None:
    events = [*lines(90), OK]
    with KettleServer(events=events, numbered=numbered, released=0) as server, site(tmp_path, server) as running:
        for upto in (20, 50, 91):
            running.start()
            server.script.released = upto
            if upto < 91:
                running.wait(lambda row, upto=upto: row["remote_count"] == upto)
                running.kill()
        row = running.wait(lambda row: row["state"] not in ("queued", "submitting", "building", "fetching"))
        assert row["result_sha256"]
        assert len(server.submissions) == 1
    stored = running.events()
    assert [event[0] for event in stored] == list(range(1, len(stored) + 1))
    assert [event[3] for event in stored if event[2] == "build"] == [event["msg"] for event in lines(90)]


def test_worker_killed_during_the_post_does_not_send_it_again(tmp_path: Path) -> None:
    with KettleServer(build_seconds=30) as server, site(tmp_path, server) as running:
        running.start()
        end = time.monotonic() + 20
        while not server.submissions:
            assert time.monotonic() < end
            time.sleep(0.02)
        running.kill()
        assert running.row()["state"] == "submitting"
        running.start()
        row = running.wait(lambda row: row["state"] == "failed")
        assert row["failure_code"] == "outcome-unknown"
        assert len(server.submissions) == 1


def test_worker_killed_before_it_could_send_is_followed_by_one_submission(tmp_path: Path) -> None:
    with KettleServer(numbered=True) as server, site(tmp_path, server) as running:
        # The queue is lost as well: the row alone says what is to be done.
        for message in (tmp_path / "broker" / "queue").glob("*.msg"):
            message.unlink()
        with contextlib.closing(sqlite3.connect(tmp_path / "kettle.sqlite3")) as database:
            # As if half a minute had passed since it was queued.
            database.execute("UPDATE builds_build SET dispatched_at = '2020-01-01 00:00:00'")
            database.commit()
        running.start()
        running.wait(lambda row: row["state"] not in ("queued", "submitting", "building", "fetching"), seconds=60)
        assert len(server.submissions) == 1
