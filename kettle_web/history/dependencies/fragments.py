"""What the dependencies' pages show. Names and versions come from documents: hostile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kettle_web.history.fragments import HistoryRow


@dataclass(frozen=True)
class Seen:
    """A build at one end of a version's time."""

    uid: str
    at: datetime


@dataclass(frozen=True)
class VersionRow:
    version: str
    """Empty: none is stated."""
    builds: int
    """At most `selectors.VERSION_CAP`."""
    is_capped: bool
    first: Seen | None
    last: Seen | None
    digests: int
    """How many digests builds state for it: more than one is the same version with different bytes."""
    url: str
    """The same page for this version alone."""


@dataclass(frozen=True)
class ContainingRow:
    """A build and what it contains of what was asked for."""

    build: HistoryRow
    packages: tuple[str, ...]


@dataclass(frozen=True)
class PackagePage:
    ecosystem: str
    name: str
    spec: str
    """As typed."""
    spec_error: str
    versions: tuple[VersionRow, ...]
    version_count: int
    """All that the range holds; `versions` may be cut."""
    is_guessed: bool
    """Some of the versions have no order that is known."""
    rows: tuple[ContainingRow, ...]
    count: int
    is_count_capped: bool
    older_url: str
    newest_url: str
    exports: tuple[tuple[str, str], ...]
    """Form and address."""


@dataclass(frozen=True)
class NameRow:
    ecosystem: str
    name: str
    versions: int
    url: str


@dataclass(frozen=True)
class DependenciesPage:
    query: str
    names: tuple[NameRow, ...]
    is_cut: bool
    list_text: str
    list_error: str


@dataclass(frozen=True)
class WantedRow:
    """One entry of a list."""

    text: str
    versions: tuple[str, ...]
    """Stored ones that it means, at most `affected.VERSIONS_SHOWN`."""
    version_count: int


@dataclass(frozen=True)
class AffectedPage:
    kind_word: str
    """How the list was read."""
    wanted: tuple[WantedRow, ...]
    """Entries that some visible build contains."""
    asked: int
    """Entries of the list."""
    ignored: int
    ignored_shown: tuple[str, ...]
    is_cut: bool
    rows: tuple[ContainingRow, ...]
    count: int
    is_count_capped: bool
    list_text: str
    url: str
    """That shows it again; empty: the list is too long for an address."""
    older: str
    """Key of the last build shown, for the next page; empty: this is the last."""
    is_later: bool
