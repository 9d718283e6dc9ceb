"""Making and revoking links."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from kettle_web.builds.models import Build
from kettle_web.sharing.models import ShareLink

TOKEN_BYTES: Final = 32
"""256 bits: nobody guesses one, and its SHA-256 may be stored without salt."""
MAX_OPEN_LINKS: Final = 100
"""Of one build."""


class SharingError(Exception):
    """A link cannot be made. `code` is stable; the message is a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def token_sha256(token: str) -> bytes:
    """Give what is stored of a token: 32 bytes."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def link_create(*, build: Build, user: User, label: str = "", expires_at: datetime | None = None) -> tuple[ShareLink, str]:
    """Give a new link and its token, which is stored nowhere. Raises `SharingError`."""
    if not build.verdict:
        raise SharingError("not-ready", _("This build is not verified yet: there is nothing to share."))
    if ShareLink.objects.filter(build=build, revoked_at=None).count() >= MAX_OPEN_LINKS:
        raise SharingError("too-many", _("There are too many links to this build: revoke some first."))
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = ShareLink.objects.create(build=build, token_sha256=token_sha256(token), label=label, created_by=user, expires_at=expires_at)
    return link, token


def link_url(token: str) -> str:
    """Give the address to hand out."""
    return f"{settings.PUBLIC_URL}{reverse('sharing:page', args=[token])}"


def link_revoke(*, link: ShareLink, now: datetime) -> None:
    """Close a link for good; a second time changes nothing."""
    ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now)


def link_viewed(*, link: ShareLink, now: datetime) -> None:
    """Count one look. Nothing about who looked is kept."""
    ShareLink.objects.filter(pk=link.pk).update(view_count=F("view_count") + 1, last_viewed_at=now)
