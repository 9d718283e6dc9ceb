"""The processes of a site: how one is started, how it is told to end, how none is left behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from kettle_web.launcher import guard

_PR_SET_PDEATHSIG: Final = 1
"""Source: prctl(2), linux/prctl.h."""

BACKOFF_SECONDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Waits before a child that died is started again; a crash at start-up must not become a busy loop."""
STEADY_SECONDS: Final = 60.0
"""A child that lived this long begins again at the shortest wait."""


@dataclass
class Child:
    """One process of the site, started again whenever it dies."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    pass_fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    """`time.monotonic`."""
    falls: int = 0
    """Deaths in a row, each soon after its start."""
    restart_at: float | None = None


class Children:
    """Starts children and ends them all, even when this very process is killed."""

    def __init__(self, *, cwd: Path, log: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._cwd = cwd
        self._log = log
        self._clock = clock
        self._children: list[Child] = []
        self._die_with_us = _death_signal_setter()
        self._guard = subprocess.Popen(
            [sys.executable, "-S", "-E", guard.__file__], stdin=subprocess.PIPE, cwd=cwd, start_new_session=True, text=True
        )

    def start(self, child: Child, *, output: IO[bytes] | int | None = None) -> None:
        """Start `child`; its standard output and error go to `output`, by default to our standard error."""
        if child not in self._children:
            self._children.append(child)
        child.started_at, child.restart_at = self._clock(), None
        child.process = subprocess.Popen(
            child.command,
            env=dict(child.environ),
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=output if output is not None else sys.stderr.fileno(),
            stderr=output if output is not None else None,
            pass_fds=child.pass_fds,
            # In a group of its own: Ctrl-C reaches the launcher alone, which then ends everything in order.
            start_new_session=True,
            # The launcher has one thread, so nothing can be locked at the fork.
            preexec_fn=self._die_with_us,
        )
        self._tell_guard(f"+{child.process.pid}")

    def fallen(self) -> list[Child]:
        """The children that have ended since the last call; each is due to be started again at its `restart_at`."""
        fallen = []
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            self._reaped(child.process.pid)
            now = self._clock()
            child.falls = 0 if now - child.started_at >= STEADY_SECONDS else child.falls
            wait = BACKOFF_SECONDS[min(child.falls, len(BACKOFF_SECONDS) - 1)]
            child.falls += 1
            child.restart_at = now + wait
            self._log(f"The {child.name} ended ({_ending(child.process.returncode)}); starting it again in {wait:g} s.")
            child.process = None
            fallen.append(child)
        return fallen

    def due(self) -> list[Child]:
        """The fallen children whose wait is over."""
        now = self._clock()
        return [child for child in self._children if child.restart_at is not None and child.restart_at <= now]

    def end(self, *, grace: float = guard.GRACE_SECONDS) -> None:
        """End every child and the guard. Returns when all are gone."""
        processes = [child.process for child in self._children if child.process is not None]
        for process in processes:
            process.poll()
        running = [process for process in processes if process.returncode is None]
        for process in running:
            _ask(process.pid)
        deadline = time.monotonic() + grace
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue
        # The groups, not only the processes: whatever a child started and left behind ends here too.
        guard.groups_end([process.pid for process in processes], grace=0.0)
        for process in processes:
            process.wait()
            self._tell_guard(f"-{process.pid}")
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()

    def _reaped(self, pid: int) -> None:
        guard.groups_end([pid], grace=0.0)
        self._tell_guard(f"-{pid}")

    def _tell_guard(self, line: str) -> None:
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            try:
                self._guard.stdin.write(line + "\n")
                self._guard.stdin.flush()
            except BrokenPipeError:
                # Someone killed the guard; the death signal of the children is what is left then.
                pass


def _ask(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def _ending(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _death_signal_setter() -> Callable[[], None] | None:
    """Give what a child runs before its program, so that Linux ends it with its parent; None on other systems."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def set_death_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return set_death_signal
