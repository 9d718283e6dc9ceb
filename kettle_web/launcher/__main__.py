"""What `bin/run` does once a Python is found: environment, site, address; then it watches until the end."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import IO, Final, NoReturn

from kettle_web.launcher.arguments import arguments_parse
from kettle_web.launcher.environment import environment_ensure, python_of
from kettle_web.launcher.errors import LaunchError
from kettle_web.launcher.plan import Wish
from kettle_web.launcher.site import Site
from kettle_web.launcher.toolchain import toolchain_ensure

CHECKOUT: Final = Path(__file__).resolve().parents[2]
LOOK_SECONDS: Final = 0.05
LOG_TAIL_BYTES: Final = 4000
STOPPED_STATUS: Final = 130
"""Of a --once that was stopped before it had a report: the shell's number for an interrupt."""


class Stopped(Exception):
    """Someone asked for the end: Ctrl-C, SIGTERM, or the terminal is gone."""


class Stop:
    """Turns the signals that end a site into one flag, looked at where nothing can be left half started."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def pause(self) -> None:
        if self._asked:
            raise Stopped
        time.sleep(LOOK_SECONDS)


def main(argv: list[str]) -> int:
    arguments = arguments_parse(argv, checkout=CHECKOUT)
    try:
        _environment_enter(argv)
        if not arguments.no_builder:
            toolchain_ensure(CHECKOUT, log=_say)
        return _once(arguments) if arguments.once is not None else _serve(arguments)
    except LaunchError as error:
        _say(str(error))
        return 2


def _environment_enter(argv: list[str]) -> None:
    """Make the environment, and go on inside it: every child is started with this process's own Python."""
    os.environ.pop("PYTHONPATH", None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_now)
    python = environment_ensure(CHECKOUT)
    if Path(sys.prefix).resolve() != python_of(CHECKOUT).parent.parent.resolve():
        environ = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        os.execve(python, [str(python), "-m", "kettle_web.launcher", *argv], environ)  # noqa: S606


def _end_now(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _serve(arguments: argparse.Namespace) -> int:
    stop = Stop()
    with Site(_wish(arguments, arguments.data), log=_say, pause=stop.pause) as site:
        try:
            site.start()
            print(f"Kettle Web answers at {site.address}/ (Ctrl-C ends it)", flush=True)
            while True:
                site.tend()
        except Stopped:
            _say("Ending.")
    return 0


def _once(arguments: argparse.Namespace) -> int:
    stop = Stop()
    given: Path | None = arguments.data
    data = given.absolute() if given else Path(tempfile.mkdtemp(prefix="kettle-once-"))
    try:
        with tempfile.TemporaryFile() as output:
            return _once_in(arguments, data, stop, output)
    finally:
        if given is None:
            shutil.rmtree(data, ignore_errors=True)


def _once_in(arguments: argparse.Namespace, data: Path, stop: Stop, output: IO[bytes]) -> int:
    command = [sys.executable, "manage.py", "build_once"]
    if arguments.ref:
        command += [f"--ref={arguments.ref}"]
    if arguments.once:
        source = arguments.once
        # The command runs in the checkout; a path is meant from where the person stands.
        command += ["--", source if "://" in source else str(Path(source).absolute())]
    try:
        with Site(_wish(arguments, data), log=_say, pause=stop.pause, output=output) as site:
            site.start()
            return site.run(command)
    except Stopped:
        _say("Ended before there was a report.")
        return STOPPED_STATUS
    except LaunchError:
        output.seek(max(0, output.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
        _say(output.read().decode("utf-8", "replace"))
        raise


def _wish(arguments: argparse.Namespace, data: Path) -> Wish:
    return Wish(
        checkout=CHECKOUT,
        data=data,
        host=arguments.host,
        port=arguments.port,
        web_processes=arguments.workers,
        with_builder=not arguments.no_builder,
        sandbox=not arguments.no_sandbox,
        make_admin=arguments.once is None,
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(STOPPED_STATUS)
