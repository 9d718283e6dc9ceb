"""One running site: takes what it needs, starts the processes together, waits until they answer, keeps them alive."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from kettle_web.launcher import plan, stamps
from kettle_web.launcher.children import Child, Children
from kettle_web.launcher.errors import LaunchError
from kettle_web.launcher.holdings import address_hold, data_folder_hold, port_free

ANSWER_SECONDS: Final = 60.0
"""A first start on a slow machine compiles every module and migrates; longer than this means that it hangs."""
BUILDER_PORT_NAME: Final = "builder-port"


class Site:
    """The processes of one site, from `start` to `end`. A context manager: leaving it ends them all."""

    def __init__(self, wish: plan.Wish, *, log: Callable[[str], None], pause: Callable[[], None], output: IO[bytes] | None = None) -> None:
        """`pause` waits a moment, and raises when someone asked for the end; `output` takes what the processes say."""
        self._wish = wish
        self._log = log
        self._pause = pause
        self._output = output
        self._lock = data_folder_hold(wish.data)
        try:
            self._listener = address_hold(wish.host, wish.port)
            self.port: int = self._listener.getsockname()[1]
            self._builder_port = _builder_port(wish.data) if wish.with_builder else 0
            self.environ = plan.environ_make(wish, port=self.port, builder_port=self._builder_port)
        except BaseException:
            self._lock.close()
            raise
        self._children = Children(cwd=wish.checkout, log=log)

    @property
    def address(self) -> str:
        return plan.address_of(self.environ)

    def start(self) -> None:
        """Start everything; return when the site answers. Raises `LaunchError` when a process gives up before that."""
        lock, wish = self._lock.descriptor, self._wish
        prepare = None if stamps.is_prepared(wish.checkout, wish.data, self.environ) else self._prepare()
        if wish.with_builder:
            self._start(plan.builder_child(self.environ, wish, port=self._builder_port, lock=lock))
        for number in range(1, wish.web_processes + 1):
            listener = self._listener.fileno()
            self._start(plan.web_child(self.environ, listener=listener, lock=lock, number=number))
        if prepare is not None:
            self._prepare_finish(prepare)
        # The worker looks into the tables at once, so it is the one that waits for them.
        self._start(plan.worker_child(self.environ, lock=lock))
        self._wait_for_answer("web server", self._wish.host, self.port)
        if wish.with_builder:
            self._wait_for_answer("builder", "127.0.0.1", self._builder_port)

    def tend(self) -> None:
        """Start again what has died and waited long enough; wait a moment."""
        self._children.fallen()
        for child in self._children.due():
            self._start(child)
            self._log(f"The {child.name} is started again.")
        self._pause()

    def run(self, command: list[str]) -> int:
        """Run one command of the site, with its output as ours, tending the site meanwhile; give its exit status."""
        process = subprocess.Popen(command, env=self.environ, cwd=self._wish.checkout, stdin=subprocess.DEVNULL)
        try:
            while (status := process.poll()) is None:
                self.tend()
        finally:
            _stop(process)
        return status

    def end(self) -> None:
        """End every process; give back the address and the data folder."""
        self._children.end()
        self._listener.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def _start(self, child: Child) -> None:
        self._children.start(child, output=self._output)

    def _prepare(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "kettle_web.launcher.prepare", *([] if self._wish.make_admin else ["--no-admin"])]
        # The one-time password is printed here, once, on standard output.
        output = None if self._wish.make_admin else self._output
        return subprocess.Popen(
            command, env=self.environ, cwd=self._wish.checkout, stdin=subprocess.DEVNULL, stdout=output, stderr=self._output
        )

    def _prepare_finish(self, prepare: subprocess.Popen[bytes]) -> None:
        try:
            while (status := prepare.poll()) is None:
                self._pause()
        finally:
            _stop(prepare)
        if status != 0:
            raise LaunchError("The database could not be brought up to date; the lines above say why.")
        stamps.stamp_keep(self._wish.checkout, self._wish.data, self.environ)

    def _wait_for_answer(self, name: str, host: str, port: int) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not _is_healthy(host, port):
            if self._children.fallen():
                raise LaunchError(f"The site could not start: the {name} does not answer; the lines above say why.")
            if time.monotonic() > deadline:
                raise LaunchError(f"The {name} does not answer on port {port}.")
            self._pause()


def _is_healthy(host: str, port: int) -> bool:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound.
    connection = http.client.HTTPConnection(reachable, port, timeout=5)
    try:
        # The name that is always allowed; the address bound may not be one.
        connection.request("GET", "/health", headers={"Host": f"127.0.0.1:{port}"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        process.wait()


def _builder_port(data: Path) -> int:
    """The port of last time where it is still free: rows that name it need no change then."""
    path = data / BUILDER_PORT_NAME
    try:
        last = int(json.loads(path.read_text("ascii")))
    except (OSError, ValueError, TypeError):
        last = 0
    port = port_free(last if 0 < last < 65536 else 0)
    path.write_text(json.dumps(port), "ascii")
    return port
