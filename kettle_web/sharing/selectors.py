"""Who may share what, and what a token opens."""

from __future__ import annotations

import hmac
import ipaddress
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import build_for_viewer
from kettle_web.sharing.fragments import LinkRow, LinksBlock, NewLink
from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.services import token_sha256

STATE_WORDS: Final = {
    "open": gettext_lazy("open"),
    "expired": gettext_lazy("expired"),
    "revoked": gettext_lazy("revoked"),
}


def link_opened_by(token: str, *, now: datetime) -> ShareLink | None:
    """The one authorisation of everything below `/s/<token>/`. None: wrong, malformed, expired, revoked, all alike.

    Every token takes the same path: hashed, looked up by hash, compared in constant time.
    """
    digest = token_sha256(token)
    link = ShareLink.objects.select_related("build").filter(token_sha256=digest).first()
    if link is None or not hmac.compare_digest(bytes(link.token_sha256), digest):
        return None
    return link if link_state(link, now=now) == "open" else None


def link_state(link: ShareLink, *, now: datetime) -> str:
    if link.revoked_at is not None:
        return "revoked"
    return "expired" if link.expires_at is not None and link.expires_at <= now else "open"


def may_share(user: User, build: Build) -> bool:
    """Publishing is for the owner and administrators, even where everyone may look."""
    return user.is_staff or build.owner_id == user.pk


def build_for_sharer(user: User, uid: str) -> Build:
    """Raises `Http404` for builds that the person does not see or may not share."""
    build = build_for_viewer(user, uid)
    if not may_share(user, build):
        raise Http404
    return build


def link_for_sharer(build: Build, uid: str) -> ShareLink:
    link = ShareLink.objects.filter(build=build, uid=uid).first()
    if link is None:
        raise Http404
    return link


def links_block(*, user: User, build: Build, now: datetime, created: NewLink | None = None, error: str = "") -> LinksBlock:
    """The part «Share» of a build's page; one query."""
    allowed = may_share(user, build)
    links = ShareLink.objects.filter(build=build).select_related("created_by") if allowed else ShareLink.objects.none()
    return LinksBlock(
        build_uid=build.uid,
        may_share=allowed,
        is_ready=bool(build.verdict),
        links=tuple(_row(link, now) for link in links),
        created=created,
        error=error,
        warning=public_url_warning() if allowed else "",
    )


def _row(link: ShareLink, now: datetime) -> LinkRow:
    state = link_state(link, now=now)
    return LinkRow(
        uid=link.uid,
        label=link.label,
        state=state,
        word=str(STATE_WORDS[state]),
        created_at=link.created_at,
        created_by=link.created_by.get_username(),
        expires_at=link.expires_at,
        revoked_at=link.revoked_at,
        view_count=link.view_count,
        last_viewed_at=link.last_viewed_at,
    )


def public_url_warning(url: str | None = None) -> str:
    """Why the public address is no good for others; empty: it is fine."""
    parts = urlsplit(url if url is not None else settings.PUBLIC_URL)
    if _is_loopback(parts.hostname or ""):
        return _("Links point to this machine itself: others cannot open them. The operator sets PUBLIC_URL.")
    if parts.scheme != "https":
        return _("Links use plain HTTP: whoever is on the way can read and change what they show. Set PUBLIC_URL to https.")
    return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
