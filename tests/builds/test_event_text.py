"""What a line of the log shows of an event."""

import pytest

from kettle_web.builds.eventlog import StoredEvent
from kettle_web.builds.selectors import event_text


@pytest.mark.parametrize(
    ("text", "extra", "shown"),
    [
        ("Compiling", {"url": "x"}, "Compiling"),
        ("", {}, ""),
        ("", {"position": 3}, "position: 3"),
        ("", {"result": {"status": "ok"}}, "status: ok"),
        ("", {"result": {"status": "failed", "error": "no"}, "at": 1}, "status: failed, error: no, at: 1"),
    ],
)
def test_event_without_a_text_shows_its_values(text: str, extra: dict, shown: str) -> None:
    assert event_text(StoredEvent(1, 0, "complete", text, extra)) == shown
