"""Passphrases of links: hashed like passwords, throttled by link, remembered by a short signed cookie without a session.

Looking at a passphrase costs the same whatever the token opens: exactly one hash is computed for each one that is sent.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core import signing
from django.db.models import F
from django.http import HttpRequest, HttpResponseBase

from kettle_web.sharing.models import ShareLink

COOKIE: Final = "kettle-share"
COOKIE_SECONDS: Final = 3600
MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 200
"""In characters. Longer ones are refused unread: hashing them would be work for whoever sends them."""
WINDOW: Final = timedelta(minutes=15)
MAX_FAILS: Final = 10
"""Wrong ones in a window before none is looked at. The token is secret already; this keeps its holders from guessing."""
_SALT: Final = "kettle_web.sharing.passphrase"


def passphrase_hash(passphrase: str) -> str:
    """What is stored; empty for none."""
    return make_password(passphrase) if passphrase else ""


def passphrase_try(link: ShareLink | None, passphrase: str, *, now: datetime) -> bool:
    """Whether this passphrase opens the link. An attempt counts before it is looked at and is taken back when right.

    For a link that opens nothing, has no passphrase or is throttled a hash is computed all the same, and thrown away.
    """
    candidate = passphrase if len(passphrase) <= MAX_LENGTH else ""
    if link is None or not link.passphrase_hash or not _attempt_counted(link, now=now):
        make_password(candidate)
        return False
    if not check_password(candidate, link.passphrase_hash):
        return False
    ShareLink.objects.filter(pk=link.pk).update(passphrase_fails=0, passphrase_fails_since=None)
    return True


def _attempt_counted(link: ShareLink, *, now: datetime) -> bool:
    """Count one attempt by a single conditional update, so that those sent at once count one another. False: too many."""
    row = ShareLink.objects.filter(pk=link.pk)
    fresh = row.filter(passphrase_fails_since__isnull=True) | row.filter(passphrase_fails_since__lte=now - WINDOW)
    if fresh.update(passphrase_fails=1, passphrase_fails_since=now):
        return True
    return bool(row.filter(passphrase_fails__lt=MAX_FAILS).update(passphrase_fails=F("passphrase_fails") + 1))


def _stamp(link: ShareLink) -> str:
    """Changes with the link and with its passphrase, so that a cookie of neither opens it."""
    return hashlib.sha256(f"{link.uid}:{link.passphrase_hash}".encode()).hexdigest()


def cookie_set(response: HttpResponseBase, link: ShareLink, *, path: str) -> None:
    """Remember for an hour, at the link's own address alone, that the passphrase was given."""
    response.set_cookie(
        COOKIE,
        signing.dumps(_stamp(link), salt=_SALT),
        max_age=COOKIE_SECONDS,
        path=path,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def cookie_opens(request: HttpRequest, link: ShareLink) -> bool:
    """Whether the request's cookie was given for this link and this passphrase, less than an hour ago."""
    try:
        stamp = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=COOKIE_SECONDS)
    except signing.BadSignature:
        return False
    return isinstance(stamp, str) and hmac.compare_digest(stamp, _stamp(link))
