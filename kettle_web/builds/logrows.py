"""Lines as the viewer takes them: HTML made by the server, bounded in number and in size."""

from __future__ import annotations

from typing import Any, Final

from kettle_web.builds.eventlog import StoredEvent, event_text
from kettle_web.builds.loglines import event_rows, lines_of, rows_of
from kettle_web.builds.logstore import numbered_from
from kettle_web.builds.models import Build

MAX_ROWS: Final = 1000
"""Of one answer; what is drawn at once is less."""
MAX_ROWS_CHARS: Final = 1_000_000
"""Of their HTML together: an answer must not keep a browser busy for longer than a glance."""
WHOLE_EVENT_LINES: Final = 2000
"""An event of more lines is not drawn whole: its lines are taken one by one, and colours begin anew in each."""

Row = list[Any]


def rows_between(build: Build, first: int, last: int) -> list[Row]:
    """Give the lines from `first` to `last`, at most `MAX_ROWS` and not many more than `MAX_ROWS_CHARS`."""
    last = min(last, first + MAX_ROWS - 1)
    rows: list[Row] = []
    size = 0
    for number, event in numbered_from(build, first):
        if number > last:
            break
        for row in _rows(event, number, first, last):
            rows.append(row)
            size += len(row[3])
            if size > MAX_ROWS_CHARS:
                return rows
    return rows


def _rows(event: StoredEvent, number: int, first: int, last: int) -> list[Row]:
    if event_text(event).count("\n") < WHOLE_EVENT_LINES:
        return [row for row in event_rows(event, number) if first <= row[0] <= last]
    wanted = [line for line in lines_of(event, number) if first <= line.number <= last]
    return list(rows_of(wanted))
