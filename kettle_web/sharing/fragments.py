"""What pages show of links and to those who hold one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kettle_web.verifications.fragments import ReportView


@dataclass(frozen=True)
class LinkRow:
    """One link in its owner's list. The address itself is not known any more."""

    uid: str
    """Goes into `sharing:revoke`."""
    label: str
    state: str
    """`open`, `expired`, `revoked`."""
    word: str
    """The state, translated."""
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    """None: never."""
    revoked_at: datetime | None
    view_count: int
    last_viewed_at: datetime | None


@dataclass(frozen=True)
class NewLink:
    """Shown exactly once, in the answer to the request that made it."""

    url: str
    label: str
    expires_at: datetime | None


@dataclass(frozen=True)
class LinksBlock:
    """The part «Share» of a build's page; htmx swaps it whole. The form (`form`: label, days) posts to `sharing:create`."""

    build_uid: str
    may_share: bool
    """False: show nothing; the viewer is neither the owner nor an administrator."""
    is_ready: bool
    """False: not verified yet; say that links can be made then."""
    links: tuple[LinkRow, ...]
    created: NewLink | None
    error: str
    warning: str
    """Why a link made now will not work for others, or not fully: the public address is loopback or plain HTTP. May be empty."""


@dataclass(frozen=True)
class SharePage:
    """The public page. It names nobody."""

    report: ReportView
    build_uid: str
    built_at: datetime
    """When the build was asked for, or the bundle imported."""
    is_import: bool
    expires_at: datetime | None
