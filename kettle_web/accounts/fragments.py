"""What the pages about people show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PersonRow:
    """One line of the people page. Its buttons post to `accounts:person` with `pk` and an action."""

    pk: int
    name: str
    is_self: bool
    """Offer neither demoting nor disabling."""
    is_administrator: bool
    is_enabled: bool
    has_one_time_password: bool
    """Has not yet chosen a password of their own."""
    last_sign_in: datetime | None
    """None: never."""
    joined: datetime


@dataclass(frozen=True)
class OneTimePassword:
    """Shown exactly once, in the answer to the request that made it."""

    name: str
    password: str
    is_new_person: bool


@dataclass(frozen=True)
class PeoplePage:
    people: tuple[PersonRow, ...]
    one_time: OneTimePassword | None
    error: str
    """Why the last action was refused; empty: it was not."""
