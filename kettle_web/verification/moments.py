"""The same question at another moment: what steps work on, telling whether they looked at the time.

So the second judgement of a bundle makes only those checks again that can come out differently.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

from kettle_web.attestation.platforms import Context
from kettle_web.verification.inquiry import Inquiry

Minimum = Callable[[dict[str, Any]], dict[str, int] | None]


class WatchedContext(Context):
    """A procedure's context. The minimum firmware level counts as time too: the entry that sets it has dates."""

    time_was_read = False
    _now: datetime
    _minimum: Minimum

    @property
    def now(self) -> datetime:
        self.time_was_read = True
        return self._now

    @now.setter
    def now(self, moment: datetime) -> None:
        self._now = moment

    @property
    def minimum_tcb_for(self) -> Minimum:
        self.time_was_read = True
        return self._minimum

    @minimum_tcb_for.setter
    def minimum_tcb_for(self, minimum: Minimum) -> None:
        self._minimum = minimum

    def at(self, moment: datetime, minimum: Minimum) -> WatchedContext:
        """What was found, to be judged at another moment by what collateral gave then."""
        other = copy.copy(self)
        other._now, other._minimum = moment, minimum
        other.collateral = self.collateral_used if self.collateral is not None else None
        other.claims, other.validity = dict(self.claims), []
        return other


class WatchedInquiry(Inquiry):
    """Our own checks' inquiry."""

    time_was_read = False
    _judged_at: datetime

    @property
    def judged_at(self) -> datetime:
        self.time_was_read = True
        return self._judged_at

    @judged_at.setter
    def judged_at(self, moment: datetime) -> None:
        self._judged_at = moment

    def at(self, moment: datetime) -> WatchedInquiry:
        """The same question with what was found so far, except what depends on the moment."""
        other = copy.copy(self)
        other._judged_at, other.policy_entry = moment, None
        return other
