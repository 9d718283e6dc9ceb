"""Ends the children of a launcher that died without a word.

A process of its own, in a session of its own. It reads process ids from standard input, ``+ID`` for a child that began and
``-ID`` for one that ended. When the pipe closes, however that came about (``kill -9`` of the launcher included), it ends the
process groups that are left.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 5.0
"""Between asking and killing: enough for a web server to finish its answers; builds and tasks survive being killed."""


def groups_end(groups: Iterable[int], *, grace: float = GRACE_SECONDS) -> None:
    """Ask the process groups to end, kill those that have not after `grace` seconds."""
    left = set(groups)
    for number in list(left):
        _signal(number, signal.SIGTERM, left)
    deadline = time.monotonic() + grace
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        for number in list(left):
            _signal(number, 0, left)
    for number in list(left):
        _signal(number, signal.SIGKILL, left)


def _signal(group: int, number: int, left: set[int]) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        left.discard(group)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        elif line.startswith("-"):
            groups.discard(int(line[1:]))
    groups_end(groups)


if __name__ == "__main__":
    main()
