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
POSTGRESQL: Final = "postgres://postgres@127.0.0.1:5432/postgres"
"""Where the second run looks for a server, unless KETTLE_TEST_DATABASE_URL names one. Its tests make databases of their own there."""
ON_POSTGRESQL: Final = ("accounts", "builds", "core", "history", "pages_app", "sharing", "verifications")
"""Folders of tests that talk to the database."""


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
    if not _passes_on_postgresql(python):
        failed.append("tests on PostgreSQL")
    tests = subprocess.run([python, "-m", "pytest", "-n", str(_processes())], check=False).returncode
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else tests


def _passes_on_postgresql(python: str) -> bool:
    """Whether the apps' tests pass on PostgreSQL too; without a server they are skipped, which is said."""
    if os.environ.get("KETTLE_TEST_DATABASE_URL"):
        return True  # The run that follows is on that database.
    look = [python, "-c", "import psycopg, sys; psycopg.connect(sys.argv[1], connect_timeout=2).close()", POSTGRESQL]
    if subprocess.run(look, capture_output=True, check=False).returncode != 0:
        print("skipped tests on PostgreSQL (none lets us in at 127.0.0.1:5432)", flush=True)
        return True
    command = [python, "-m", "pytest", "-q", "-n", str(_processes()), *(f"tests/{name}" for name in ON_POSTGRESQL)]
    return _passes("tests on PostgreSQL", command, KETTLE_TEST_DATABASE_URL=POSTGRESQL)


def _passes(name: str, command: list[str], **environ: str) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kettle-check-") as data:
        done = subprocess.run(command, env={**os.environ, "DATA_DIR": data, **environ}, capture_output=True, text=True, check=False)
    print(f"{'passed' if done.returncode == 0 else 'FAILED'}  {name} ({time.monotonic() - began:.1f} s)", flush=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def _processes() -> int:
    """Test processes: one for each core; a browser or a compiler keeps one busy."""
    return max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
