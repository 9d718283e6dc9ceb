"""Keeps tokens out of every log of the process, whoever writes it: the web server's access log, Django's «Not Found: …»."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

_TOKEN: Final = re.compile(r"(/s/|/alarms/feed/)[^/\s?#\"']+")


def scrubbed(value: Any) -> Any:
    """Give a text with the token of every address that holds one replaced; other values as they are."""
    if isinstance(value, str) and ("/s/" in value or "/alarms/feed/" in value):
        return _TOKEN.sub(r"\1…", value)
    return value


def scrubbing_install() -> None:
    """Scrub records as they are made: handlers and loggers that others configure later are covered too."""
    make = logging.getLogRecordFactory()
    if getattr(make, "scrubs_share_tokens", False):
        return

    def scrubbing(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        record.msg = scrubbed(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(scrubbed(item) for item in record.args)
        elif record.args:
            record.args = {key: scrubbed(item) for key, item in record.args.items()}
        return record

    scrubbing.scrubs_share_tokens = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(scrubbing)
