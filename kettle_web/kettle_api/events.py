"""Events of a Kettle build. Source: the Kettle API's documentation, GET /build/{id}/events."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kettle_web.kettle_api.sse import ServerEvent
from kettle_web.kettle_api.texts import text_storable, value_storable

UNREADABLE: Final = "unreadable"
"""Our own type, for what is not a JSON object with a type. Its text is what was sent."""
COMPLETE: Final = "complete"
TYPE_CHARS: Final = 40
TEXT_CHARS: Final = 256 * 1024
CUT_MARK: Final = " … [cut: the line was longer than this site takes]"
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TYPE_IN_CUT = re.compile(rb'\A\s*\{\s*"type"\s*:\s*"([A-Za-z0-9_.-]{1,40})"\s*,')
_STATUS_IN_CUT = re.compile(rb'"status"\s*:\s*"(ok|failed)"')
_MSG_IN_CUT = re.compile(rb'"(?:msg|error)"\s*:\s*"((?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*)', re.DOTALL)


@dataclass(frozen=True)
class Outcome:
    """What `complete` said."""

    status: Literal["ok", "failed", "unknown"]
    """"unknown": the event holds no result that can be read."""
    error: str = ""
    error_type: str = ""


@dataclass(frozen=True)
class RemoteEvent:
    """One event, safe to store: no NUL, no lone surrogates. Not safe to print: a text may hold ANSI sequences."""

    type: str
    """As sent, also when unknown; `UNREADABLE` where there was none."""
    text: str
    """`msg`; of `complete` the error; of `queued` and of unknown types without `msg` empty."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """The other fields as sent; `truncated: true` where the text was cut."""
    remote_id: int | None = None
    """The server's own number of the event; None: it sends none."""

    @property
    def outcome(self) -> Outcome | None:
        """Give how the build ended, of a terminal event; else None."""
        if self.type != COMPLETE:
            return None
        result = self.extra.get("result")
        status = result.get("status") if isinstance(result, dict) else None
        if not isinstance(result, dict) or status not in ("ok", "failed"):
            return Outcome("unknown")
        return Outcome("ok" if status == "ok" else "failed", _text(result.get("error")), _text(result.get("error_type")))


def _text(value: object) -> str:
    """A string as it is, nothing as "", anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _capped(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else text[: TEXT_CHARS - len(CUT_MARK)] + CUT_MARK


def event_parse(data: bytes) -> RemoteEvent:
    """Give the event of one `data:` payload. Never raises: what cannot be read is kept as `UNREADABLE`."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _unreadable(data)
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        return _unreadable(data)
    name = document["type"]
    if len(name) > TYPE_CHARS or not _TYPE.fullmatch(name):
        return _unreadable(data)
    extra = value_storable({key: value for key, value in document.items() if key not in ("type", "msg")})
    text = text_storable(_text(document.get("msg")))
    event = RemoteEvent(name, _capped(text), extra)
    outcome = event.outcome
    return event if outcome is None or text else RemoteEvent(name, _capped(outcome.error), extra)


def _unreadable(data: bytes) -> RemoteEvent:
    return RemoteEvent(UNREADABLE, _capped(text_storable(data.decode("utf-8", "replace"))))


def _cut_parse(data: bytes) -> RemoteEvent:
    """Save type and beginning of the text of an event that was cut: its JSON has no end."""
    kind, message = _TYPE_IN_CUT.search(data), _MSG_IN_CUT.search(data)
    if kind is None or message is None:
        event = _unreadable(data)
        return RemoteEvent(UNREADABLE, event.text + CUT_MARK, {"truncated": True})
    # The pattern ends before an escape that the cut went through; half a character at the end is dropped below.
    raw = message[1]
    try:
        text = json.loads(b'"' + raw.decode("utf-8", "ignore").encode() + b'"', strict=False)
    except ValueError:
        text = raw.decode("utf-8", "replace")
    name, text = kind[1].decode(), text_storable(str(text)) + CUT_MARK
    extra: dict[str, Any] = {"truncated": True}
    status = _STATUS_IN_CUT.search(data)
    if name == COMPLETE and status is not None:
        # Only this event ends a build: it must not get lost because its error text is long.
        extra["result"] = {"status": status[1].decode(), "error": text}
    return RemoteEvent(name, text, extra)


def server_event_parse(event: ServerEvent) -> RemoteEvent:
    """Give the event of a decoded message, with its number where the server sends one."""
    parsed = _cut_parse(event.data) if event.truncated else event_parse(event.data)
    digits = event.id or ""
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None
    return RemoteEvent(parsed.type, parsed.text, parsed.extra, number)
