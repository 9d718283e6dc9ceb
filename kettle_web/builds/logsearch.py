"""Search over all lines of a log: plain text, in time and answer bounded, and honest about how far it came."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kettle_web.builds.logerrors import is_error
from kettle_web.builds.loglines import Line, lines_numbered
from kettle_web.builds.logsource import LogSource
from kettle_web.builds.logstore import lines_iter, numbered_from
from kettle_web.builds.models import Build
from kettle_web.builds.states import State

MAX_HITS: Final = 2000
"""Of one answer; the next one goes on where it ends."""
MAX_NEEDLE: Final = 200
SEARCH_SECONDS: Final = 2.0
"""Of one answer. 200,000 lines take less than one second."""
ERROR_SECONDS: Final = 10.0
"""For the first error of a log that is not sealed; of a sealed one it is known."""
LOOK_LINES: Final = 500
"""Between two looks at the clock."""
TAIL_LINES: Final = 200


@dataclass(frozen=True)
class Found:
    hits: tuple[int, ...]
    """Numbers of lines, in order."""
    searched: int
    """The last line that was looked at."""
    next: int | None
    """Where the next search goes on; None: the log was searched to its present end."""


def log_search(
    build: Build, needle: str, *, is_case: bool, start: int = 1, limit: int = MAX_HITS, clock: Callable[[], float] = time.monotonic
) -> Found:
    """Find the lines from number `start` on that hold `needle` in what is shown of them."""
    until = clock() + SEARCH_SECONDS
    wanted = needle if is_case else needle.lower()
    hits: list[int] = []
    searched = start - 1
    for line in lines_numbered(numbered_from(build, start)):
        if line.number < start:
            continue
        shown = line.text
        if wanted in (shown if is_case else shown.lower()):
            hits.append(line.number)
        searched = line.number
        if len(hits) >= limit or (searched % LOOK_LINES == 0 and clock() > until):
            return Found(tuple(hits), searched, searched + 1)
    return Found(tuple(hits), searched, None)


@dataclass(frozen=True)
class FirstError:
    line: int
    is_guess: bool
    """No line reads like an error: this is the last one before the build failed."""


def log_first_error(build: Build, source: LogSource, *, clock: Callable[[], float] = time.monotonic) -> FirstError | None:
    """Give the first line that reads like an error; of a failed build without any, the last one that it wrote."""
    line = source.error_line
    if not source.sha256:
        until = clock() + ERROR_SECONDS
        for found in lines_iter(build):
            if is_error(found):
                line = found.number
                break
            if found.number % LOOK_LINES == 0 and clock() > until:
                return None
    if line is not None:
        return FirstError(line, is_guess=False)
    if build.state != State.FAILED or not source.lines:
        return None
    tail = [found for found in lines_iter(build, max(1, source.lines - TAIL_LINES)) if _is_output(found)]
    return FirstError(tail[-1].number, is_guess=True) if tail else None


def _is_output(line: Line) -> bool:
    return line.type == "build" and bool(line.text.strip())
