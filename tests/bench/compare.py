"""How long a comparison of two builds of 300 dependencies each takes, and the pages of the explorer."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.rows import Row

DEPENDENCIES = 300
TARGET_MS = 300.0
REQUESTS = 20


def compare(runs: int) -> list[Row]:
    """300 against 300 dependencies, half of them changed: page, its unchanged rows too, JSON; inputs, evidence and exports of one build."""
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        environ = os.environ | {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "kettle_web.settings"}
        line = [sys.executable, "-m", "tests.bench.compare", str(runs)]
        done = subprocess.run(line, env=environ, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    measured = json.loads(done.stdout.splitlines()[-1])
    targets = {name: TARGET_MS for name in measured if name.startswith("compare")}
    return [Row(name, "ms", tuple(values), targets.get(name), percentile=95.0) for name, values in measured.items()]


def _measure(runs: int) -> dict[str, list[float]]:
    """Each request, `REQUESTS` for each run, through the whole of Django without a server."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from kettle_web.verifications.services import report_create
    from tests.verifications.bundles import build_make, result_make

    call_command("migrate", verbosity=0)
    ada = User.objects.create_user("ada")
    builds = []
    for number in (1, 2):
        versions = [(f"package-{at}", f"1.{at if at % 2 else number}.0") for at in range(DEPENDENCIES)]
        nonce = bytes([number] * 16)
        build = build_make(ada, tarball=result_make(nonce=nonce, dependencies=versions).tarball, nonce=nonce)
        report_create(build=build, now=timezone.now())
        builds.append(build)
    left, right = builds
    client = Client(headers={"host": "localhost"})
    client.force_login(ada)
    paths = {
        "compare, page": f"/compare/{left.uid}/{right.uid}/",
        "compare, with unchanged": f"/compare/{left.uid}/{right.uid}/?"
        + "&".join(f"show-dependencies={kind}" for kind in ("changed", "added", "removed", "unchanged")),
        "compare, JSON": f"/compare/{left.uid}/{right.uid}/compare.json",
        "inputs": f"/builds/{left.uid}/explore/inputs/",
        "evidence": f"/builds/{left.uid}/explore/evidence/",
        "raw JSON": f"/builds/{left.uid}/explore/raw/provenance.json",
        "CycloneDX": f"/builds/{left.uid}/sbom.cdx.json",
        "SPDX": f"/builds/{left.uid}/sbom.spdx.json",
    }
    return {name: _times(client, path, REQUESTS * runs) for name, path in paths.items()}


def _times(client: object, path: str, count: int) -> list[float]:
    times = []
    for _ in range(count + 1):
        started = time.perf_counter()
        answer = client.get(path)  # type: ignore[attr-defined]
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    # The first one loads templates and libraries.
    return times[1:]


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))
