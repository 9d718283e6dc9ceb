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
    scope_word: str
    """What kind of thing it opens, translated: «one build»."""
    opens: str
    """That thing, as its owner calls it: foreign text."""
    parts: tuple[str, ...]
    """Titles of what it shows, translated."""
    has_passphrase: bool
    build_uid: str
    """Empty: a link to the latest."""
    view_count: int
    last_viewed_at: datetime | None


@dataclass(frozen=True)
class NewLink:
    """Shown exactly once, in the answer to the request that made it."""

    url: str
    label: str
    expires_at: datetime | None
    has_passphrase: bool
    markdown: str
    html: str
    """To paste: the badge that leads to the link."""


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
class LinkPage:
    """One link, for those who may share what it opens."""

    link: LinkRow
    looks: tuple[LookRow, ...]
    """The newest first."""
    is_latest: bool


@dataclass(frozen=True)
class LookRow:
    """One look through a link."""

    at: datetime
    what: str
    client: str
    """Both translated."""


@dataclass(frozen=True)
class PartRow:
    """A part in words."""

    value: str
    title: str
    text: str


@dataclass(frozen=True)
class LanguageRow:
    code: str
    name: str
    """In the language itself."""
    url: str
    is_current: bool


@dataclass(frozen=True)
class ShareAddresses:
    """Where a share page leads. Empty: not shown by this link, or not there in a preview."""

    page: str
    """Whole, as it was handed out."""
    material: str
    log: str
    proof_html: str
    proof_zip: str
    summary: str
    printed: str
    badge: str
    """Whole."""
    card: str
    """Whole."""


@dataclass(frozen=True)
class SharePage:
    """The public page. It names nobody but who pinned the builder image."""

    report: ReportView
    scope: str
    """`build`, `artifact`, `latest`."""
    repository: str
    ref: str
    """Of `latest`."""
    parts: frozenset[str]
    """Values of `parts.Part`."""
    hidden: tuple[PartRow, ...]
    is_provenance_hidden: bool
    is_evidence_hidden: bool
    built_at: datetime
    """When the build was asked for, or the bundle imported."""
    is_import: bool
    expires_at: datetime | None
    urls: ShareAddresses
    markdown: str
    html: str
    """To paste: the badge that leads here."""
    frame: str
    """To paste: the card."""
    is_preview: bool
    build_uid: str
    """Of a preview; empty on the public page."""
