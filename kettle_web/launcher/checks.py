"""What `bin/test` and `bin/bench` do once a Python is found: the environment of development, then the checks, each in turn.

Every check runs, so that one run tells everything; the tests come last, and their closing line is the last line.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from kettle_web.launcher.environment import environment_ensure
from kettle_web.launcher.errors import LaunchError

CHECKOUT: Final = Path(__file__).resolve().parents[2]


def _checks(python: str) -> dict[str, list[str]]:
    """Name and command of each check but the tests."""
    programs = Path(python).parent
    return {
        "ruff check": [str(programs / "ruff"), "check", "--quiet", "."],
        "ruff format": [str(programs / "ruff"), "format", "--check", "--quiet", "."],
        "mypy": [str(programs / "mypy")],
        "lint-imports": [str(programs / "lint-imports")],
        "djlint": [str(programs / "djlint"), "templates", "--lint", "--quiet"],
        "migrations": [python, "manage.py", "makemigrations", "--check", "--dry-run"],
    }


def main(argv: list[str]) -> int:
    os.environ.pop("PYTHONPATH", None)
    os.chdir(CHECKOUT)
    try:
        python = str(environment_ensure(CHECKOUT, dev=True))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 2
    if argv[:1] == ["--bench"]:
        return subprocess.run([python, "-m", "tests.bench", *argv[1:]], check=False).returncode
    if argv:
        return subprocess.run([python, "-m", "pytest", *argv], check=False).returncode
    failed = [name for name, command in _checks(python).items() if not _passes(name, command)]
    tests = subprocess.run([python, "-m", "pytest", "-n", str(_processes())], check=False).returncode
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else tests


def _passes(name: str, command: list[str]) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kettle-check-") as data:
        done = subprocess.run(command, env={**os.environ, "DATA_DIR": data}, capture_output=True, text=True, check=False)
    print(f"{'passed' if done.returncode == 0 else 'FAILED'}  {name} ({time.monotonic() - began:.1f} s)", flush=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def _processes() -> int:
    """Test processes: one for each core; a browser or a compiler keeps one busy."""
    return max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
