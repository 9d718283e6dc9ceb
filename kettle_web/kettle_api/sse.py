"""Decoder of server-sent events, without I/O. Source: HTML Living Standard, section 9.2.6 «Interpreting an event stream»."""

import re
from dataclasses import dataclass
from typing import Final

DATA_BYTES: Final = 256 * 1024
"""Of one event. A compiler's longest lines stay under 100 kB; a line of 50 MB is cut here and said to be cut."""
LINE_BYTES: Final = DATA_BYTES + len("data: ")
NAME_BYTES: Final = 256
"""Of an event's id or name. Longer ones are taken for none."""
_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event as sent."""

    id: str | None
    """The stream's last id at this event; None: the server sends none."""
    data: bytes
    event: str = ""
    """Its name; "": none, which means «message»."""
    truncated: bool = False
    """Data over the limit was dropped."""


class EventDecoder:
    """Takes bytes cut anywhere, gives events. Holds at most `LINE_BYTES + DATA_BYTES`; never raises."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._line_cut = False
        self._first_line = True
        self._after_cr = False
        self._data = bytearray()
        self._has_data = False
        self._truncated = False
        self._event = ""
        self._id: str | None = None
        self.retry_ms: int | None = None
        """What the server asked for with `retry:`, milliseconds."""
        self.last_line_was_comment = False

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Give the events that `chunk` completes."""
        events: list[ServerEvent] = []
        at = 0
        if self._after_cr and chunk:
            self._after_cr = False
            at = int(chunk[0] == 0x0A)
        while at < len(chunk):
            found = _LINE_END.search(chunk, at)
            end = found.start() if found else len(chunk)
            self._append(chunk[at:end])
            if not found:
                break
            at = end + 1
            if chunk[end] == 0x0D:
                # One line end may be two bytes, and those may come in two chunks.
                if at == len(chunk):
                    self._after_cr = True
                elif chunk[at] == 0x0A:
                    at += 1
            self._end_line(events)
        return events

    def _append(self, part: bytes) -> None:
        room = LINE_BYTES - len(self._line)
        self._line += part[:room]
        self._line_cut = self._line_cut or len(part) > room

    def _end_line(self, events: list[ServerEvent]) -> None:
        line, cut = bytes(self._line), self._line_cut
        self._line.clear()
        self._line_cut = False
        if self._first_line:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._first_line = False
        self.last_line_was_comment = line.startswith(b":")
        if not line:
            self._dispatch(events)
        elif not self.last_line_was_comment:
            name, _, value = line.partition(b":")
            self._field(name, value.removeprefix(b" "), cut)

    def _field(self, name: bytes, value: bytes, cut: bool) -> None:
        if name == b"data":
            self._take_data(value, cut)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace") if len(value) <= NAME_BYTES else ""
        elif name == b"id":
            if b"\0" not in value and len(value) <= NAME_BYTES:
                self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) < 10:
            self.retry_ms = int(value)

    def _take_data(self, value: bytes, cut: bool) -> None:
        if self._has_data:
            value = b"\n" + value
        self._has_data = True
        room = DATA_BYTES - len(self._data)
        self._data += value[:room]
        self._truncated = self._truncated or cut or len(value) > room

    def _dispatch(self, events: list[ServerEvent]) -> None:
        if self._has_data:
            events.append(ServerEvent(self._id or None, bytes(self._data), self._event, self._truncated))
        self._data.clear()
        self._has_data, self._truncated, self._event = False, False, ""
