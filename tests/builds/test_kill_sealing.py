"""A process killed with `kill -9` while it seals a log: the log is whole before, and sealed once afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LINES = 3000
MAKE = """
from django.contrib.auth.models import User
from kettle_web.builds.eventlog import Event
from kettle_web.builds.follow_store import events_append
build = Build.objects.create(owner=User.objects.create_user("owner"), origin="repository", repo_url="https://example.org/a",
    state="building", lease_owner="me", job_id="job")
events_append(build.id, "me", [Event("build", f"line {number}", ms=5) for number in range(3000)])
Build.objects.update(state="failed", lease_owner="", finished_at="2026-01-01T00:00:00Z")
"""
KILL = """
import os, signal
from kettle_web.builds import logstore
real = {point}
def killed(*args, **kwargs):
    result = real(*args, **kwargs) if {after} else None
    os.kill(os.getpid(), signal.SIGKILL)
    return result
{point} = killed
"""
SEAL = "from kettle_web.builds.logstore import log_seal\nassert log_seal(Build.objects.get().id)\n"
TELL = """
import hashlib, json
from kettle_web.builds.logstore import log_bytes_iter
from kettle_web.builds.models import EventChunk, SealedLog
text = b"".join(log_bytes_iter(Build.objects.get()))
digest = hashlib.sha256(text).hexdigest()
print(json.dumps({"digest": digest, "lines": text.count(b"\\n"),
    "sealed": SealedLog.objects.count(), "rows": EventChunk.objects.count()}), flush=True)
"""
POINTS = {
    "before it is in storage": ("logstore.blob_adopt", False),
    "after it is in storage": ("logstore.blob_adopt", True),
    "within the transaction": ("logstore.SealedLog.objects.create", True),
    "after the rows were removed": ("logstore.EventChunk.objects.none().__class__.delete", True),
}

pytestmark = pytest.mark.stack


def python(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL")}
    environ |= {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "kettle_web.settings"}
    whole = f"import django\ndjango.setup()\nfrom kettle_web.builds.models import Build\n{code}"
    return subprocess.run([sys.executable, "-c", whole], cwd=CHECKOUT, env=environ, capture_output=True, text=True, timeout=60)


def told(answer: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


def test_log_is_whole_and_sealed_once_whenever_the_process_is_killed(tmp_path: Path) -> None:
    made = python(tmp_path, "from django.core.management import call_command\ncall_command('migrate', verbosity=0)\n" + MAKE + TELL)
    assert made.returncode == 0, made.stderr
    before = told(made)
    assert (before["lines"], before["sealed"]) == (LINES, 0)
    for when, (point, is_after) in POINTS.items():
        # Each process first tells what the one before it has left.
        killed = python(tmp_path, TELL + KILL.format(point=point, after=is_after) + SEAL)
        assert killed.returncode == -signal.SIGKILL, f"{when}: {killed.returncode} {killed.stderr}"
        assert told(killed) == before, when
    last = python(tmp_path, TELL + SEAL)
    assert (last.returncode, told(last)) == (0, before), last.stderr
    assert told(python(tmp_path, TELL)) == {**before, "sealed": 1, "rows": 0}
