"""How long the main job takes as one command."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.rows import Row
from tests.running import CHECKOUT, environ_plain

COLD_SECONDS, WARM_SECONDS = 60.0, 10.0
"""Promised for a cold checkout with cargo present, set-up included, and for one that is set up."""


def once(runs: int) -> list[Row]:
    """`bin/run --once` from source to report: in a fresh clone without an environment, and in one that has it."""
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        checkout = Path(folder) / "checkout"
        subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(checkout)], check=True)
        cold = []
        for _ in range(min(runs, 2)):
            shutil.rmtree(checkout / ".venv", ignore_errors=True)
            cold.append(_run(checkout))
        warm = tuple(_run(checkout) for _ in range(runs))
    return [Row("cold checkout", "s", tuple(cold), COLD_SECONDS), Row("warm", "s", warm, WARM_SECONDS)]


def _run(checkout: Path) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [str(checkout / "bin" / "run"), "--once"], capture_output=True, text=True, check=False, env=environ_plain(), cwd=checkout
    )
    if done.returncode != 0:
        raise SystemExit(f"bin/run --once ended with {done.returncode}:\n{done.stderr}")
    return time.monotonic() - began
