"""What the history shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class HistoryRow:
    """One build. Texts from documents are hostile; empty ones mean «not known»."""

    uid: str
    title: str
    """The repository without scheme and `.git`, the archive's name, or the first file's name."""
    origin: str
    """`repository`, `upload`, `import`."""
    origin_word: str
    label: str
    ref: str
    commit: str
    """As the provenance states it; before that, what the ref pointed to."""
    state: str
    state_word: str
    is_running: bool
    verdict: str
    """Empty: not judged."""
    verdict_word: str
    headline: str
    failure: str
    """Why it failed, for state `failed`."""
    platform: str
    owner: str
    """Name; empty where the viewer sees only their own."""
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class FilterOption:
    value: str
    word: str
    is_on: bool
    url: str
    """The same page with this option switched; every filter lives in the address."""


@dataclass(frozen=True)
class FilterGroup:
    name: str
    """`verdict`, `state`, `origin`: the parameter, which may be repeated."""
    title: str
    options: tuple[FilterOption, ...]


@dataclass(frozen=True)
class HistoryPage:
    query: str
    """What was typed, for the search box (`q`)."""
    read_as: str
    """How it was read: «a SHA-256 digest»; empty: nothing was typed."""
    searched: tuple[str, ...]
    """The fields that were searched; say them when nothing was found."""
    filters: tuple[FilterGroup, ...]
    is_filtered: bool
    """Whether a query or a filter is on."""
    rows: tuple[HistoryRow, ...]
    count: int
    """At most `COUNT_CAP`."""
    is_count_capped: bool
    """True: say «more than `count`»."""
    older_url: str
    """The next page; empty: this is the last."""
    newest_url: str
    """The first page of the same search; empty: this is it."""
    clear_url: str
    """Without query and filters."""
