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
    """`bin/run --once` from source to report: in a fresh clone, nothing cached, with uv and with pip; and in one that is set up."""
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        checkout, cache = Path(folder) / "checkout", Path(folder) / "cache"
        subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(checkout)], check=True)
        rows = []
        if shutil.which("uv"):
            cold = tuple(_cold(checkout, cache, {"UV_CACHE_DIR": str(cache)}) for _ in range(min(runs, 3)))
            rows.append(Row("cold checkout, uv", "s", cold, COLD_SECONDS))
        cold = tuple(_cold(checkout, cache, {"KETTLE_WITHOUT_UV": "1", "PIP_NO_CACHE_DIR": "1"}) for _ in range(min(runs, 3)))
        rows.append(Row("cold checkout, pip", "s", cold, COLD_SECONDS))
        rows.append(Row("warm", "s", tuple(_run(checkout, {}) for _ in range(runs)), WARM_SECONDS))
    return rows


def _cold(checkout: Path, cache: Path, environ: dict[str, str]) -> float:
    for left in (checkout / ".venv", cache):
        shutil.rmtree(left, ignore_errors=True)
    for left in checkout.rglob("__pycache__"):
        shutil.rmtree(left, ignore_errors=True)
    return _run(checkout, environ)


def _run(checkout: Path, environ: dict[str, str]) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [str(checkout / "bin" / "run"), "--once"],
        capture_output=True,
        text=True,
        check=False,
        env=environ_plain() | environ,
        cwd=checkout,
    )
    if done.returncode != 0:
        raise SystemExit(f"bin/run --once ended with {done.returncode}:\n{done.stderr}")
    return time.monotonic() - began
