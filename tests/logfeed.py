"""Fills the log of a build on a running site, from beside it, as its follower would: `python -m tests.logfeed`.

Reads one JSON command per line from its input and answers each with one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.running import CHECKOUT, RunningSite, environ_plain

STEP = 5000


class LogFeed:
    """A build of the administrator on a running site, and its log."""

    def __init__(self, data: Path) -> None:
        environ = environ_plain() | {"DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "kettle_web.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.logfeed"], cwd=CHECKOUT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.uid: str = self.ask(make=True)["uid"]

    @classmethod
    def of(cls, site: RunningSite) -> LogFeed:
        return cls(site.data)

    def __enter__(self) -> LogFeed:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the feed has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def lines(self, count: int, *, width: int = 0) -> float:
        """Append so many lines, each of which says its number; give the seconds that storing them took."""
        return float(self.ask(lines=count, width=width)["seconds"])

    def texts(self, *texts: str, kind: str = "build") -> None:
        self.ask(texts=texts, kind=kind)

    def replace(self, keep: int) -> None:
        """Replace everything after event `keep` by nothing, as a server's own replay may."""
        self.ask(replace=keep)

    def end(self, *, state: str = "failed", is_sealed: bool = True) -> float:
        """End the build and seal its log; give the seconds that sealing took."""
        return float(self.ask(end=state, seal=is_sealed)["seconds"])


def line_text(number: int, width: int = 0) -> str:
    """What a fed line says: its number, with a colour, and as many more characters as asked for."""
    return f"\x1b[32mline\x1b[0m {number} of the log" + " abcdefgh" * (width // 9)


class _Feeder:
    def __init__(self) -> None:
        import django

        django.setup()
        self.build: Any = None
        self.seconds = 0.0

    def run(self) -> None:
        for command in sys.stdin:
            self.seconds = 0.0
            answer = self.obey(json.loads(command))
            print(json.dumps({**answer, "seconds": self.seconds}), flush=True)

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        from kettle_web.builds.eventlog import Event
        from kettle_web.builds.follow_store import events_append, events_replace

        if command.get("make"):
            return {"uid": self.make()}
        if "replace" in command:
            self.build.refresh_from_db()
            events_replace(self.build.id, "feed", keep_seq=command["replace"], keep_remote=command["replace"])
        if "texts" in command:
            events_append(self.build.id, "feed", [Event(command["kind"], text, ms=1_790_000_000_000) for text in command["texts"]])
        if "lines" in command:
            self.build.refresh_from_db()
            first, last = self.build.last_seq + 1, self.build.last_seq + command["lines"]
            for start in range(first, last + 1, STEP):
                numbers = range(start, min(start + STEP, last + 1))
                events = [Event("build", line_text(number, command["width"]), ms=1_790_000_000_000 + number) for number in numbers]
                began = time.perf_counter()
                events_append(self.build.id, "feed", events)
                self.seconds += time.perf_counter() - began
        if "end" in command:
            self.end(command["end"], command["seal"])
        return {}

    def make(self) -> str:
        from datetime import timedelta

        from django.contrib.auth.models import User
        from django.utils import timezone

        from kettle_web.builds.models import Build

        self.build = Build.objects.create(
            owner=User.objects.get(username="admin"),
            origin="repository",
            repo_url="https://example.org/log.git",
            state="building",
            lease_owner="feed",
            lease_until=timezone.now() + timedelta(hours=1),
            job_id="feed",
        )
        return str(self.build.uid)

    def end(self, state: str, is_sealed: bool) -> None:
        from django.utils import timezone

        from kettle_web.builds.logstore import log_seal
        from kettle_web.builds.models import Build

        why = {"fault": "source", "failure_code": "failed", "failure_message": "The build ended with exit status 101."}
        fields = why if state == "failed" else {}
        Build.objects.filter(id=self.build.id).update(state=state, lease_owner="", finished_at=timezone.now(), **fields)
        if is_sealed:
            began = time.perf_counter()
            assert log_seal(self.build.id)
            self.seconds = time.perf_counter() - began


if __name__ == "__main__":
    os.chdir(CHECKOUT)
    _Feeder().run()
