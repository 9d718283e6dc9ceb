"""What the pages that hold a log are made of: its end on a build's page, and any part of it on a page of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from kettle_web.builds.kept import LOG, gone_text
from kettle_web.builds.logformat import LogFormatError
from kettle_web.builds.loglines import Line
from kettle_web.builds.logrows import rows_between
from kettle_web.builds.logsearch import Found, log_search
from kettle_web.builds.logsource import LogSource, log_open
from kettle_web.builds.logstore import log_lines
from kettle_web.builds.models import Build
from kettle_web.builds.states import RUNNING, TERMINAL, State
from kettle_web.core.errors import BlobMissing

TAIL_LINES: Final = 200
"""In the page itself; the viewer fetches what someone looks at."""
PAGE_LINES: Final = 500
"""Of one page without JavaScript."""
ENDED_WELL: Final = frozenset({State.DONE})
PAGE_HITS: Final = 100
HIT_CHARS: Final = 300


@dataclass(frozen=True)
class LogRow:
    number: int
    ms: int
    type: str
    """`build` for the build's own lines; anything else is a station on the way, `site` a note of ours."""
    html: SafeString
    """Escaped, with nothing but `<span class="ansi-…">` of our own."""
    hidden: int = 0
    """Characters that are left out at its end."""


@dataclass(frozen=True)
class LogView:
    rows: tuple[LogRow, ...]
    lines: int
    """Of the whole log."""
    last_seq: int
    """Number of the last event in it: where the stream goes on."""
    epoch: int
    """Raised when stored rows were replaced: a page that shows another epoch starts afresh."""
    problem: str = ""
    """Why a log that there was cannot be shown."""

    @property
    def first(self) -> int:
        return self.rows[0].number if self.rows else 1

    @property
    def last(self) -> int:
        return self.rows[-1].number if self.rows else 0

    @property
    def is_cut(self) -> bool:
        """Earlier lines are not in this page."""
        return self.first > 1


@dataclass(frozen=True)
class Hit:
    number: int
    text: str
    page: int
    """First line of the page on which it stands."""


@dataclass(frozen=True)
class LogPage:
    """`templates/builds/log.html`. `uid`, `is_running`, `is_failed` and `log` are named as on the build's page."""

    uid: str
    name: str
    is_running: bool
    is_failed: bool
    log: LogView
    before: int | None
    """First line of the page before this one; None: this is the first."""
    after: int | None
    end: int
    """First line of the last page."""
    needle: str
    is_case: bool
    hits: tuple[Hit, ...]
    searched_from: int
    searched_to: int
    """The lines that the hits are of."""
    hits_next: int | None
    """Where the search goes on: the list was full, or the time was up. None: it came to the log's end."""


def _row(row: list[Any]) -> LogRow:
    # `ansi_lines` escapes everything itself and adds only spans with classes of ours.
    return LogRow(row[0], row[1], row[2], SafeString(row[3]), row[4] if len(row) > 4 else 0)


def _problem(build: Build, source: LogSource) -> str:
    if build.last_seq and not source.events and build.state in TERMINAL:
        return gone_text(build, LOG)
    return ""


def log_view(build: Build, *, first: int | None = None, count: int | None = None, want_rows: bool = True) -> LogView:
    """Give `count` lines of the log from `first` on; without it the last ones."""
    if not want_rows:
        return LogView((), 0, build.last_seq, build.log_epoch)
    count = TAIL_LINES if count is None else count
    try:
        source = log_open(build)
        rows: list[list[Any]] = []
        while source.lines and count:
            begin = first if first is not None else max(1, source.lines - count + 1)
            rows = rows_between(build, begin, min(source.lines, begin + count - 1))
            if first is not None or (rows and rows[-1][0] == source.lines):
                break
            # Long lines: rather fewer of them than not the last one.
            count //= 4
    except (BlobMissing, LogFormatError):
        problem = _("The stored log cannot be read: its file is missing or damaged. Tell the operator of this site.")
        return LogView((), 0, build.last_seq, build.log_epoch, problem)
    return LogView(tuple(map(_row, rows)), source.lines, source.events, build.log_epoch, _problem(build, source))


def log_page(build: Build, *, start: int, needle: str, is_case: bool, search_from: int = 1) -> LogPage:
    """Give the page that begins at line `start`; 0: the last one of a build that runs or failed, the first one of another.

    `needle` is looked for in the lines from `search_from` on.
    """
    if start or build.state in ENDED_WELL:
        view = log_view(build, first=max(1, start), count=PAGE_LINES)
    else:
        view = log_view(build, count=PAGE_LINES)
    found, hits = Found((), 0, None), tuple[Hit, ...]()
    if needle and not view.problem:
        found = log_search(build, needle, is_case=is_case, start=search_from, limit=PAGE_HITS)
        hits = tuple(_hit(line) for number in found.hits for line in log_lines(build, number, number))
    return LogPage(
        uid=build.uid,
        name=build.label or build.repo_url or build.source_name or build.uid,
        is_running=build.state in RUNNING,
        is_failed=build.state == State.FAILED,
        log=view,
        before=max(1, view.first - PAGE_LINES) if view.first > 1 else None,
        after=view.last + 1 if view.rows and view.last < view.lines else None,
        end=max(1, view.lines - PAGE_LINES + 1),
        needle=needle,
        is_case=is_case,
        hits=hits,
        searched_from=search_from,
        searched_to=found.searched,
        hits_next=found.next,
    )


def _hit(line: Line) -> Hit:
    return Hit(line.number, line.text[:HIT_CHARS], max(1, line.number - 20))
