"""Who may share what, and what a token opens."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import build_for_viewer
from kettle_web.sharing.fragments import LinkRow, LinksBlock, NewLink
from kettle_web.sharing.latest import build_latest
from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.parts import PART_TITLES, parts_ordered
from kettle_web.sharing.services import token_sha256

STATE_WORDS: Final = {
    "open": gettext_lazy("open"),
    "expired": gettext_lazy("expired"),
    "revoked": gettext_lazy("revoked"),
}


@dataclass(frozen=True)
class Opening:
    """What a token opens. Both empty: nothing, and why is not said."""

    link: ShareLink | None = None
    """Opens; its `build` is the one to show, also where the link is to the latest."""
    locked: ShareLink | None = None
    """Would open with its passphrase."""


def opening_of(token: str, *, now: datetime, is_unlocked: Callable[[ShareLink], bool]) -> Opening:
    """The one authorisation of everything below `/s/<token>`: wrong, malformed, expired, revoked and no longer allowed are all alike.

    Every token takes the same path: hashed, looked up by hash, compared in constant time.
    """
    digest = token_sha256(token)
    link = ShareLink.objects.select_related("build", "created_by").filter(token_sha256=digest).first()
    if link is None or not hmac.compare_digest(bytes(link.token_sha256), digest):
        return Opening()
    if link_state(link, now=now) != "open" or not _is_allowed_still(link):
        return Opening()
    if link.passphrase_hash and not is_unlocked(link):
        return Opening(locked=link)
    return Opening(link=link)


def _is_allowed_still(link: ShareLink) -> bool:
    """Whether its maker may still share this build; finds the build where the link is to the latest."""
    sharer = link.created_by
    if link.scope == ShareLink.Scope.LATEST:
        link.build = build_latest(repository=link.repository, ref=link.ref, sharer=sharer) if sharer.is_active else None
    return link.build is not None and sharer.is_active and may_share(sharer, link.build)


def link_opened_by(token: str, *, now: datetime, is_unlocked: Callable[[ShareLink], bool] = lambda link: False) -> ShareLink | None:
    """The link that the token opens by itself, or with what `is_unlocked` knows of its passphrase; None: nothing opens."""
    return opening_of(token, now=now, is_unlocked=is_unlocked).link


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


def links_of_build(build: Build) -> QuerySet[ShareLink]:
    """Links to the build or one of its files, and those to the latest of its repository by its owner."""
    mine = Q(build=build)
    if build.origin == Build.Origin.REPOSITORY:
        mine |= Q(scope=ShareLink.Scope.LATEST, repository=build.repo_url, created_by=build.owner_id)
    return ShareLink.objects.filter(mine).select_related("created_by", "build")


def link_for_sharer(build: Build, uid: str) -> ShareLink:
    link = links_of_build(build).filter(uid=uid).first()
    if link is None:
        raise Http404
    return link


def links_for_person(user: User) -> QuerySet[ShareLink]:
    """The links that a person made, and those to their builds; an administrator's are all there are."""
    rows = ShareLink.objects.select_related("created_by", "build")
    return rows if user.is_staff else rows.filter(Q(created_by=user) | Q(build__owner=user))


def link_for_person(user: User, uid: str) -> ShareLink:
    """Raises `Http404`, the same for one that does not exist and one that is not theirs."""
    link = links_for_person(user).filter(uid=uid).first()
    if link is None:
        raise Http404
    return link


def links_block(*, user: User, build: Build, now: datetime, created: NewLink | None = None, error: str = "") -> LinksBlock:
    """The part «Share» of a build's page; one query."""
    allowed = may_share(user, build)
    links = links_of_build(build) if allowed else ShareLink.objects.none()
    return LinksBlock(
        build_uid=build.uid,
        may_share=allowed,
        is_ready=bool(build.verdict),
        links=tuple(link_row(link, now) for link in links),
        created=created,
        error=error,
        warning=public_url_warning() if allowed else "",
    )


def link_row(link: ShareLink, now: datetime) -> LinkRow:
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
        scope_word=scope_text(link),
        parts=tuple(str(PART_TITLES[part]) for part in parts_ordered(link.parts)),
        has_passphrase=bool(link.passphrase_hash),
        build_uid=link.build.uid if link.build is not None else "",
        opens=opens_text(link),
        view_count=link.view_count,
        last_viewed_at=link.last_viewed_at,
    )


def scope_text(link: ShareLink) -> str:
    return str(ShareLink.Scope(link.scope).label)


def opens_text(link: ShareLink) -> str:
    """What the link opens, as its owner calls it: foreign text."""
    if link.scope == ShareLink.Scope.LATEST or link.build is None:
        return f"{link.repository} {link.ref}".strip()
    build = link.build
    return build.label or build.repo_url or build.source_name or build.uid


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
