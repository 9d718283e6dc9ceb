"""Events as numbered lines: what the viewer shows, what a search finds and what a download holds count alike. Pure.

Line 1 is the first line of the first event. An event makes as many lines as its text has, mostly one; a progress line that was
overwritten in its place (`\\r`) is one line, in its last state. Notes of this site and the terminal event are lines as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kettle_web.builds.ansi import ansi_lines, ansi_to_text, last_overwrite
from kettle_web.builds.eventlog import StoredEvent, event_text

SHOWN_CHARS: Final = 4000
"""Of one line in a page: more would make a browser stand still while it lays the line out. The download has all of it."""


@dataclass(frozen=True)
class Line:
    number: int
    """From 1, over the whole log."""
    ms: int
    """Unix time in milliseconds at which it reached us."""
    type: str
    """Of the server's event: `build` for the build's own output; `site` for a note of this site."""
    raw: str
    """As it came, with its escape sequences."""

    @property
    def text(self) -> str:
        """What is shown of it, without colours."""
        return ansi_to_text(self.raw)

    @property
    def plain(self) -> str:
        """As a line of a text file: what is not the build's own output is marked by its type."""
        return self.text if self.type == "build" else f"[{ansi_to_text(self.type)}] {self.text}"

    @property
    def stamped(self) -> str:
        moment = datetime.fromtimestamp(self.ms / 1000, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{self.ms % 1000:03d}Z  {self.plain}"


def lines_of(event: StoredEvent, first: int) -> Iterator[Line]:
    """Give the lines of one event, of which the first has the number `first`."""
    text = event_text(event)
    if "\n" not in text:
        yield Line(first, event.ms, event.type, text)
        return
    for number, part in enumerate(text.split("\n"), first):
        yield Line(number, event.ms, event.type, part)


def lines_numbered(events: Iterable[tuple[int, StoredEvent]]) -> Iterator[Line]:
    """Give the lines of events that come with the number of their first line."""
    for first, event in events:
        yield from lines_of(event, first)


def row_make(line: Line, html: str, hidden: int) -> list[Any]:
    """Give a line as the viewer takes it: number, Unix milliseconds, type, HTML, and how many characters are left out."""
    row: list[Any] = [line.number, line.ms, line.type, html]
    return [*row, hidden] if hidden else row


def rows_of(lines: Iterable[Line]) -> Iterator[list[Any]]:
    """Give lines of one event as rows. Colours that one line leaves on go on in the next."""
    taken = list(lines)
    shown, hidden = [], []
    for line in taken:
        text = last_overwrite(line.raw)
        shown.append(text[:SHOWN_CHARS])
        hidden.append(max(0, len(text) - SHOWN_CHARS))
    for line, html, more in zip(taken, ansi_lines(shown), hidden, strict=True):
        yield row_make(line, html, more)


def event_rows(event: StoredEvent, first: int) -> list[list[Any]]:
    return list(rows_of(lines_of(event, first)))
