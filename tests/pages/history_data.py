"""Builds for the pages of the history, put into a running site's own database by a process beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.running import CHECKOUT, environ_plain

_SCRIPT = """
import django
django.setup()
from django.contrib.auth.models import User
from kettle_web.history.alarms.watch import build_watch
from kettle_web.verifications.models import BuildIndex
from tests.history.world import judged
owner = User.objects.get(username="admin")
builds = [judged(owner), judged(owner, commit="ab" * 20), judged(owner, attested=False, commit="cd" * 20)]
for number, build in enumerate(builds, start=1):
    BuildIndex.objects.filter(pk=build.pk).update(duration_ms=number * 60_000, artifact_bytes=number * 1024**2)
build_watch(builds[-1].pk)
print(builds[-1].project.slug)
"""


def project_make(data: Path) -> str:
    """Give the slug of a project with three builds and an alarm."""
    environ = environ_plain() | {"DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "kettle_web.settings", "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, "-c", _SCRIPT], env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]
