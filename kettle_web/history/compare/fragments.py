"""What the pages of a comparison show: frozen values. Texts from documents are hostile; templates escape them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kettle_web.history.fragments import HistoryRow


@dataclass(frozen=True)
class SideCard:
    """One of the two builds."""

    letter: str
    """`A` (left) or `B` (right): stands beside every value on a phone and on paper."""
    row: HistoryRow
    judged_at: datetime | None
    """None: there is no report yet."""


@dataclass(frozen=True)
class LineNote:
    """One thing that the comparison comes to."""

    line: str
    """A value of `provenance.diff.Line`."""
    shape: str
    """Icon."""
    kind: str
    """Class of the note: `note-caution`, `note-failed` or empty."""
    text: str


@dataclass(frozen=True)
class Value:
    """A text of one side; empty: not stated."""

    text: str
    is_digest: bool


@dataclass(frozen=True)
class FieldRow:
    title: str
    name: str
    """Stable name, as in the JSON."""
    left: Value
    right: Value
    is_same: bool


@dataclass(frozen=True)
class FieldGroup:
    group: str
    title: str
    hint: str
    different: tuple[FieldRow, ...]
    same: tuple[FieldRow, ...]
    """Stated by both and equal; what neither states is left out."""


@dataclass(frozen=True)
class ListRow:
    """A dependency or a file that is on one side, on both, or differs."""

    kind: str
    """`added`, `removed`, `changed`, `unchanged`."""
    word: str
    change: str
    """What changed, in words; empty: nothing, or it is on one side only."""
    is_alarm: bool
    """Same version, other bytes."""
    name: str
    ecosystem: str
    """Empty for files."""
    left_version: str
    right_version: str
    left_digest: str
    right_digest: str
    left_uri: str
    right_uri: str
    left_size: int | None
    right_size: int | None


@dataclass(frozen=True)
class KindFilter:
    kind: str
    word: str
    count: int
    is_on: bool
    url: str
    """The same page with this one switched."""


@dataclass(frozen=True)
class ListBlock:
    """Dependencies or files."""

    name: str
    """`dependencies` or `files`: the parameter is `show-<name>`."""
    title: str
    left_count: int
    right_count: int
    filters: tuple[KindFilter, ...]
    rows: tuple[ListRow, ...]
    count: int
    """Rows of this choice, on all pages."""
    page: int
    previous_url: str
    next_url: str
    unchanged_count: int
    is_unchanged_shown: bool


@dataclass(frozen=True)
class ComparePage:
    left: SideCard
    right: SideCard
    title: str
    lines: tuple[LineNote, ...]
    claims_note: str
    """Said when a side is not confirmed: then the comparison is of claims. Empty: both are."""
    groups: tuple[FieldGroup, ...]
    dependencies: ListBlock
    files: ListBlock
    swap_url: str
    json_url: str
    choose_url: str
    """Another build to compare the right one with."""


@dataclass(frozen=True)
class Candidate:
    row: HistoryRow
    url: str


@dataclass(frozen=True)
class ChoosePage:
    """Which build to compare with."""

    build: HistoryRow
    query: str
    is_repository: bool
    """Without a query: builds of the same repository only."""
    has_no_previous: bool
    """«Compare with previous» led here, because there is none."""
    candidates: tuple[Candidate, ...]
    older_url: str
    all_url: str
    """Every build, not only those of the repository; empty: this is it."""
