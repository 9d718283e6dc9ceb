"""The virtual environment of the checkout: made once, brought up to date when a lock file changes."""

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from kettle_web.launcher.errors import LaunchError

RUN_LOCK: Final = "requirements.lock"
DEV_LOCK: Final = "requirements-dev.lock"
"""Holds everything that `RUN_LOCK` holds, in the same versions, and the tools of development."""

STAMP_NAME: Final = "kettle-installed.json"
ROOM_BYTES: Final = 400 * 1024**2
"""A new environment takes about 170 MB, with the tools of development 330 MB; half-installed is worse than not begun."""


def python_of(checkout: Path) -> Path:
    """The environment's own Python, whether or not it exists."""
    return checkout / ".venv" / "bin" / "python"


def environment_ensure(checkout: Path, *, dev: bool = False) -> Path:
    """Give the Python of an environment that has everything of the lock file.

    Raises `LaunchError` when it cannot be made: no ensurepip, no room, a package that does not match its hash.
    """
    lock = checkout / (DEV_LOCK if dev else RUN_LOCK)
    if not lock.exists():
        raise LaunchError(f"{lock.name} is missing from the checkout.")
    if _is_current(checkout, lock):
        return python_of(checkout)
    with _one_at_a_time(checkout):
        if not _is_current(checkout, lock):
            _environment_make(checkout, lock)
    return python_of(checkout)


def _is_current(checkout: Path, lock: Path) -> bool:
    try:
        stamp = json.loads((checkout / ".venv" / STAMP_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stamp.get(lock.name) == _digest(lock)) and os.access(python_of(checkout), os.X_OK)


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _environment_make(checkout: Path, lock: Path) -> None:
    room_check(checkout, ROOM_BYTES, "the Python environment")
    print(f"Setting up .venv from {lock.name} (once; half a minute or so) …", file=sys.stderr, flush=True)  # noqa: T201
    uv = _uv_find()
    venv, python = checkout / ".venv", python_of(checkout)
    (venv / STAMP_NAME).unlink(missing_ok=True)
    if not _answers(python):
        # What is left of an environment whose Python is gone cannot be repaired, only made anew.
        shutil.rmtree(venv, ignore_errors=True)
        if uv:
            _run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)])
        else:
            ensurepip_check()
            _run([sys.executable, "-m", "venv", str(venv)])
    lock_install(checkout, lock)
    installed = {lock.name: _digest(lock), RUN_LOCK: _digest(checkout / RUN_LOCK)}
    (venv / STAMP_NAME).write_text(json.dumps(installed), "utf-8")


def lock_install(checkout: Path, lock: Path) -> None:
    """Install what a lock file names into the environment, by its hashes. Raises `LaunchError`."""
    python = python_of(checkout)
    if uv := _uv_find():
        command = [uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock)]
    else:
        if not _answers(python, "import pip"):
            ensurepip_check()
            _run([str(python), "-m", "ensurepip"])
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        command += ["--require-hashes", "-r", str(lock)]
    _run(command)


def ensurepip_check() -> None:
    """Raise `LaunchError` where this Python cannot make an environment with pip, as Debian's without python3-venv."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise LaunchError(
            f"This Python ({sys.executable}) has no ensurepip: install the package python3-venv "
            "(apt install python3-venv), or uv, and start again."
        )


def room_check(folder: Path, wanted_bytes: int, what: str) -> None:
    """Raise `LaunchError` when the file system of `folder` has no room for `what`."""
    free = shutil.disk_usage(folder).free
    if free < wanted_bytes:
        raise LaunchError(
            f"No disk space: {what} needs about {wanted_bytes // 1024**2} MB, and the file system of {folder} has "
            f"{free // 1024**2} MB free."
        )


def _uv_find() -> str | None:
    if os.environ.get("KETTLE_WITHOUT_UV"):
        return None
    uv = shutil.which("uv")
    # A shim of a version manager may be on the path without any uv behind it.
    return uv if uv and _answers(Path(uv), None) else None


def _answers(program: Path, code: str | None = "") -> bool:
    """Whether the program runs at all: Python with `code`, anything else with ``--version``."""
    arguments = ["--version"] if code is None else ["-c", code]
    try:
        return subprocess.run([str(program), *arguments], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _run(command: Sequence[str]) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    except OSError as error:
        raise LaunchError(f"Setting up .venv failed: {command[0]}: {error.strerror}.") from error
    if done.returncode == 0:
        return
    said = (done.stderr.strip() or done.stdout.strip()) or f"exit status {done.returncode}"
    if os.strerror(errno.ENOSPC) in said:
        raise LaunchError("No disk space: setting up .venv ran out of room.")
    raise LaunchError(f"Setting up .venv failed; {Path(command[0]).name} said: {said[-2000:]}")


@contextlib.contextmanager
def _one_at_a_time(checkout: Path) -> Iterator[None]:
    """Hold the checkout's folder, so that two first starts do not install into one another."""
    descriptor = os.open(checkout, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
