"""Slows down guessing of passwords, by name and by address, counted in the database that all processes share.

An attempt is recorded before the password is looked at and taken back when it was right: guesses sent at the same
moment count one another. Whether a name exists changes nothing here.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from kettle_web.accounts.models import FailedSignIn

WINDOW: Final = timedelta(minutes=15)
MAX_BY_BOTH: Final = 8
"""Of one name from one address: more tries than people need."""
MAX_BY_NAME: Final = 40
"""From anywhere. Higher, so that a guesser at one address cannot shut the person out at theirs; few enough that a
ten-character password outlives guessers at many.
"""
MAX_BY_ADDRESS: Final = 40
"""An office behind one address shares this."""


class TooManyTries(Exception):
    """The attempt was not looked at. `minutes` until the next one will be."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"try again in {minutes} minutes")
        self.minutes = minutes


def address_normalise(text: str) -> str:
    """Give the address that is counted: an IPv6 one by its /64, because one person has a whole network of them."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _name_sha256(name: str) -> bytes:
    return hashlib.sha256(name.strip().lower().encode("utf-8", "replace")).digest()


def attempt_begin(*, name: str, address: str, now: datetime) -> FailedSignIn:
    """Record an attempt. Raises `TooManyTries`; an attempt refused so does not prolong the wait."""
    since = now - WINDOW
    FailedSignIn.objects.filter(at__lt=since).delete()
    row = FailedSignIn.objects.create(name_sha256=_name_sha256(name), address=address_normalise(address), at=now)
    by_name, by_address = Q(name_sha256=row.name_sha256), Q(address=row.address)
    for condition, limit in (
        (by_name & by_address, MAX_BY_BOTH),
        (by_name, MAX_BY_NAME),
        (by_address, MAX_BY_ADDRESS),
    ):
        newest = list(
            FailedSignIn.objects.filter(condition, at__gte=since).exclude(pk=row.pk).order_by("-at").values_list("at", flat=True)[:limit]
        )
        if len(newest) >= limit:
            row.delete()
            wait = newest[-1] + WINDOW - now
            raise TooManyTries(max(1, math.ceil(wait.total_seconds() / 60)))
    return row


def attempt_succeeded(row: FailedSignIn) -> None:
    """Forget the attempt, and the failures of the same name from the same address before it."""
    FailedSignIn.objects.filter(name_sha256=row.name_sha256, address=row.address).delete()
