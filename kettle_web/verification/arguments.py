"""What the verifier's commands share about their arguments."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Final, NoReturn

UNUSABLE: Final = 2
"""Exit status for arguments that make no sense, and for what cannot be read as what it should be."""


class Unusable(Exception):
    """The arguments make no sense; the message is for people."""


class Parser(argparse.ArgumentParser):
    """Raises `Unusable` instead of printing and leaving; takes no abbreviations: what weakens a verdict is written out in full."""

    def __init__(self, *, prog: str, description: str, epilog: str | None = None) -> None:
        super().__init__(prog=prog, description=description, epilog=epilog, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise Unusable(message)


def moment_parse(text: str | None, option: str = "--now") -> datetime:
    """RFC 3339, a date, or seconds since 1970; None: the clock's. Without a zone it is taken as UTC. Raises `Unusable`."""
    if text is None:
        return datetime.now(UTC)
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
        # At the ends of the calendar a moment with a zone may have none in UTC.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        raise Unusable(f"{option}: not a time; write it like 2026-05-20T21:52:40Z.") from None
