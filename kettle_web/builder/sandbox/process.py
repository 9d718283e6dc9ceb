"""Running one command under limits and reading its output as lines."""

import contextlib
import os
import resource
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kettle_web.builder.errors import LimitExceeded, Timeout
from kettle_web.builder.parent import end_with_parent
from kettle_web.builder.sandbox.cgroups import Cgroup
from kettle_web.builder.trees import disk_used

READ_BYTES = 1 << 16
LINE_BYTES = 1 << 15
"""A longer line is given in pieces of this size."""
LOOK_SECONDS = 0.25
"""How often limits are looked at while nothing is said."""
DISK_RESERVE_BYTES = 256 << 20
"""A build ends before it takes the last of the disk."""
MAX_FILE_BYTES = 4 << 30
OPEN_FILES = 4096
Lines = Callable[[list[str]], None]


@dataclass(frozen=True)
class Bounds:
    """What one command may take. `disk` folders are measured together against `disk_bytes`."""

    seconds: float
    log_bytes: int
    disk_bytes: int
    disk: tuple[Path, ...] = ()
    memory_bytes: int = 0
    """Address space of one process; 0: no bound (a cgroup has it)."""


def process_run(
    line: Sequence[str], *, environment: Mapping[str, str], bounds: Bounds, on_lines: Lines, cgroup: Cgroup | None = None
) -> int:
    """Run a command to its end and give its exit status (negative: a signal's number).

    Standard output and error come together, as they are written. Everything it started is ended with it.

    Raises:
        Timeout: the wall clock ran out.
        LimitExceeded: too much output, bytes on disk, memory, or processes.
    """

    def prepare() -> None:
        end_with_parent(signal.SIGKILL)
        for what, value in _rlimits(bounds).items():
            hard = resource.getrlimit(what)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(what, (value, value))
        if cgroup is not None:
            cgroup.join()

    process = subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(environment),
        process_group=0,
        preexec_fn=prepare,
    )
    try:
        _Watch(process, bounds, on_lines, cgroup).run()
        return process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _rlimits(bounds: Bounds) -> dict[int, int]:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: min(MAX_FILE_BYTES, bounds.disk_bytes),
        resource.RLIMIT_CPU: int(bounds.seconds * (os.cpu_count() or 1)) + 1,
    }
    return limits | ({resource.RLIMIT_AS: bounds.memory_bytes} if bounds.memory_bytes else {})


class _Watch:
    """Reads until the command ends, and raises when a bound is passed."""

    def __init__(self, process: subprocess.Popen[bytes], bounds: Bounds, on_lines: Lines, cgroup: Cgroup | None) -> None:
        assert process.stdout is not None
        self._cgroup = cgroup
        self._process, self._bounds, self._on_lines = process, bounds, on_lines
        self._pipe = process.stdout.fileno()
        self._until = time.monotonic() + bounds.seconds
        self._next_look = 0.0
        self._said, self._part = 0, b""

    def run(self) -> None:
        os.set_blocking(self._pipe, False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe, selectors.EVENT_READ)
            while True:
                ready = selector.select(LOOK_SECONDS)
                if (ready and not self._read()) or (not ready and self._process.poll() is not None):
                    break
                self._look()
        if self._part:
            self._on_lines([_text(self._part)])
        # A command that ended between two looks must not leave more than is allowed to the steps after it.
        self._look_at_disk()

    def _read(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._pipe, READ_BYTES)
            self._said += len(data)
            *lines, self._part = (self._part + data).split(b"\n")
            found = [_text(piece) for line in lines for piece in _pieces(line)]
            if len(self._part) > LINE_BYTES:
                found += [_text(piece) for piece in _pieces(self._part)]
                self._part = b""
            if found:
                self._on_lines(found)
            return bool(data)
        return True

    def _look(self) -> None:
        now = time.monotonic()
        if now > self._until:
            raise Timeout(f"It took longer than {self._bounds.seconds:g} seconds and was ended.")
        if self._said > self._bounds.log_bytes:
            raise LimitExceeded(f"Its log grew beyond {self._bounds.log_bytes} bytes, so it was ended.")
        if now < self._next_look:
            return
        self._look_closer()
        # Measuring a large folder takes a while: at most a twentieth of the time goes into it.
        self._next_look = time.monotonic() + max(LOOK_SECONDS, 20 * (time.monotonic() - now))

    def _look_closer(self) -> None:
        exceeded = self._cgroup.exceeded() if self._cgroup else ""
        if exceeded:
            raise LimitExceeded(f"It was ended: {exceeded}.")
        self._look_at_disk()

    def _look_at_disk(self) -> None:
        if not self._bounds.disk:
            return
        used = sum(disk_used(folder) for folder in self._bounds.disk)
        if used > self._bounds.disk_bytes:
            raise LimitExceeded(f"It wrote more than {self._bounds.disk_bytes} bytes to disk, so it was ended.")
        if shutil.disk_usage(self._bounds.disk[0]).free < DISK_RESERVE_BYTES:
            raise LimitExceeded("The machine's disk is almost full, so it was ended.")


def _pieces(line: bytes) -> list[bytes]:
    return [line[at : at + LINE_BYTES] for at in range(0, len(line), LINE_BYTES)] or [b""]


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
