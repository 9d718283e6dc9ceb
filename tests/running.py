"""A whole site, started as `bin/run` starts it, for tests that use no mocks."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
END_SECONDS = 15.0


class RunningSite:
    """`bin/run` as a subprocess, on free ports and a data folder of its own."""

    def __init__(self, data: Path, *arguments: str, environ: dict[str, str] | None = None) -> None:
        self.data = data
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [str(CHECKOUT / "bin" / "run"), "--port", "0", "--data", str(data), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environ_plain() | (environ or {}),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.address = self.wait_for_line(r"answers at (\S+)/ ").group(1)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def one_time_password(self) -> str:
        return self.wait_for_line(r"One-time password: (\S+)").group(1)

    def wait_for_line(self, pattern: str, seconds: float = START_SECONDS) -> re.Match[str]:
        """Give the first line of the output that matches, waiting for it."""
        deadline = time.monotonic() + seconds
        while True:
            ended = self.process.poll() is not None
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found
            if ended or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"no line like {pattern!r} in:\n{self.output}")
            time.sleep(0.02)

    def processes(self) -> list[psutil.Process]:
        """The launcher and everything below it."""
        launcher = psutil.Process(self.process.pid)
        return [launcher, *launcher.children(recursive=True)]

    def process_of(self, word: str) -> psutil.Process:
        """The one process whose command has `word`."""
        found = [process for process in self.processes() if _has_word(process, word)]
        assert len(found) == 1, f"{word}: {found}"
        return found[0]

    def end(self, number: int = signal.SIGINT) -> int:
        """Ask for the end, as Ctrl-C does; give the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(END_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in self.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.wait()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


def environ_plain() -> dict[str, str]:
    """The environment without anything that sets up a site."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}


_NOT_INHERITED = frozenset(
    {"DATA_DIR", "DATABASE_URL", "REDIS_URL", "STORAGE_URL", "PUBLIC_URL", "BUILDER_URL", "KETTLE_ENDPOINTS", "PORT", "SECRET_KEY"}
    | {
        "REVERIFY_EVERY",
        "EMAIL_URL",
        "EMAIL_FROM",
        "FIELD_ENCRYPTION_KEY",
        "ALLOWED_HOSTS",
        "ALLOWED_SOURCE_HOSTS",
        "BUILDS_VISIBLE_TO",
        "DEBUG",
        "MAX_UPLOAD_BYTES",
        "DJANGO_SETTINGS_MODULE",
    }
)


def _has_word(process: psutil.Process, word: str) -> bool:
    try:
        return word in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def gone(processes: Sequence[psutil.Process], seconds: float = END_SECONDS) -> bool:
    """Whether all of these end in time."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def run_once(*arguments: str, seconds: float = START_SECONDS, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `bin/run` with arguments that make it end by itself."""
    return subprocess.run(
        [str(CHECKOUT / "bin" / "run"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=environ_plain() | (environ or {}),
    )
