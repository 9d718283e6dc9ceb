"""What people do about alarms: acknowledge them, ask for messages, make and revoke addresses of feeds."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse

from kettle_web.builds.models import Project
from kettle_web.history.alarms.selectors import alarms_for_viewer
from kettle_web.history.models import Alarm, FeedToken, Subscription

TOKEN_BYTES: Final = 32
"""256 bits: nobody guesses one, and its SHA-256 may be stored without salt."""
MAX_FEEDS: Final = 20
MAX_SUBSCRIPTIONS: Final = 500
LABEL_CHARS: Final = 100
USED_EVERY: Final = timedelta(minutes=10)
"""A feed reader asks often; that it did is written down this often."""


class TooMany(Exception):
    """No more of these for one person."""


def alarms_acknowledge(*, viewer: User, uids: Iterable[str], now: datetime) -> int:
    """Acknowledge alarms that the viewer may see; others are passed over, and whoever came first stays. Give how many."""
    seen = alarms_for_viewer(viewer).filter(uid__in=list(uids), acknowledged_at=None).order_by().values_list("pk", flat=True)
    return Alarm.objects.filter(pk__in=list(seen), acknowledged_at=None).update(acknowledged_by=viewer, acknowledged_at=now)


def subscribe(*, user: User, project: Project | None) -> None:
    """Send messages about a project's alarms, or about all. A second time changes nothing. Raises `TooMany`."""
    if Subscription.objects.filter(user=user).count() >= MAX_SUBSCRIPTIONS:
        raise TooMany
    Subscription.objects.get_or_create(user=user, project=project)


def unsubscribe(*, user: User, project: Project | None) -> None:
    Subscription.objects.filter(user=user, project=project).delete()


def email_set(*, user: User, email: str) -> None:
    User.objects.filter(pk=user.pk).update(email=email)
    user.email = email


def feed_create(*, owner: User, label: str) -> str:
    """Give the address of a new feed, which is stored nowhere. Raises `TooMany`."""
    if FeedToken.objects.filter(owner=owner, revoked_at=None).count() >= MAX_FEEDS:
        raise TooMany
    token = secrets.token_urlsafe(TOKEN_BYTES)
    FeedToken.objects.create(owner=owner, token_sha256=token_sha256(token), label=label.strip()[:LABEL_CHARS])
    return settings.PUBLIC_URL + reverse("alarms:feed-by-token", args=[token])


def feed_revoke(*, owner: User, uid: str, now: datetime) -> bool:
    """Close a feed's address for good; False: the person has none of this name."""
    return bool(FeedToken.objects.filter(owner=owner, uid=uid, revoked_at=None).update(revoked_at=now))


def feed_owner(token: str, *, now: datetime) -> User | None:
    """Whose rights a feed's address has; None: it is wrong or revoked, or its owner may not sign in any more."""
    found = FeedToken.objects.select_related("owner").filter(token_sha256=token_sha256(token), revoked_at=None).first()
    if found is None or not found.owner.is_active:
        return None
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
    FeedToken.objects.filter(stale, pk=found.pk).update(last_used_at=now)
    return found.owner


def token_sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
