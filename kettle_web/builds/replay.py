"""Finds, in a stream that was opened anew, where the stored log ends. Pure.

Servers answer `?from=N` in three ways: they number their events (then it is plain), they skip the first N, or they
ignore it and replay everything. The last two look alike until events are compared with the stored ones.
"""

from collections.abc import Sequence
from enum import Enum


class Verdict(Enum):
    SKIP = "skip"
    """Stored already."""
    NEW = "new"
    """To be stored."""
    REWRITE = "rewrite"
    """A full replay differs from what is stored, from `position` on: that is to be replaced, beginning with this
    event.
    """
    UNCLEAR = "unclear"
    """Replay or continuation cannot be told apart: ask again from 0, then it is plain."""


class Aligner:
    """Judges each event of one connection, in order.

    `keys` are the keys of the server's events that are stored (`eventlog.Event.key`), `asked` is the N that was asked
    for: 0 or all of them. Unneeded, and may be empty, as long as the server numbers its events.
    """

    def __init__(self, keys: Sequence[bytes], *, stored: int, asked: int) -> None:
        if asked not in (0, stored):
            raise ValueError("a stream is asked for from its beginning or from where the stored log ends")
        self.keys, self.stored, self.asked = keys, stored, asked
        self.position = 0
        """How many events of a replay have been recognised."""
        self.settled = stored == 0

    @property
    def is_pending(self) -> bool:
        """Some events look like a replay that has not reached the end of the stored log."""
        return not self.settled and self.position > 0

    def numbered(self, number: int) -> Verdict:
        """Judge an event that carries its number, 1 for the first."""
        self.settled = True
        if number <= self.stored:
            return Verdict.SKIP
        self.stored = number
        return Verdict.NEW

    def feed(self, key: bytes) -> Verdict:
        """Judge an event that carries no number."""
        if self.settled:
            return Verdict.NEW
        if self.keys[self.position] == key:
            self.position += 1
            self.settled = self.position == self.stored
            return Verdict.SKIP
        if self.asked == 0:
            self.settled = True
            return Verdict.REWRITE
        if self.position == 0:
            self.settled = True
            return Verdict.NEW
        return Verdict.UNCLEAR
