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
    is_seeded: bool = False
    """Invented for measurements: nothing of it was built or checked, and the page says so beside the verdict."""


@dataclass(frozen=True)
class FilterOption:
    value: str
    word: str
    is_on: bool
    url: str
    """The same page with this option switched; every filter lives in the address."""
    count: int | None = None
    """Of the builds that were counted; None: they were not counted by this."""


@dataclass(frozen=True)
class FilterGroup:
    name: str
    """`verdict`, `state`, `origin`, …: the parameter, which may be repeated."""
    title: str
    options: tuple[FilterOption, ...]

    @property
    def is_first(self) -> bool:
        """What is filtered by most; the others wait behind a fold."""
        return self.name in ("verdict", "state")


@dataclass(frozen=True)
class Chip:
    """A filter that is on."""

    name: str
    """The parameter."""
    value: str
    """As it stands in the address, with `-` where it excludes."""
    title: str
    word: str
    is_excluded: bool
    is_typed: bool
    """It stands in the search box; the form must not send it a second time."""
    url: str
    """The same page without it."""


@dataclass(frozen=True)
class Bar:
    """One period in a plot. Lengths are whole units of the plot's own grid."""

    x: int
    width: int
    y: int
    height: int
    part_y: int
    part_height: int
    """Of the second colour, from the ground up; 0: none."""
    title: str
    """What is read out, and shown on hover: period and figures."""
    period: str
    figures: tuple[str, ...]
    """Cells of the table behind the fold."""
    url: str
    """The same search for this period alone."""


@dataclass(frozen=True)
class Plot:
    title: str
    summary: str
    """The text alternative: what the picture shows, in a sentence or two."""
    columns: tuple[str, ...]
    """Of the table, beside the period."""
    bars: tuple[Bar, ...]
    width: int
    height: int
    top_label: str
    """The greatest value, written where it is reached."""
    top_x: int
    top_anchor: str
    """`start`, `middle` or `end`."""
    first_label: str
    last_label: str
    """Beginning and end of the time shown."""
    part_label: str = ""
    """What the second colour is; empty: there is none."""


@dataclass(frozen=True)
class LogHint:
    """Where the log of one build is searched."""

    text: str
    url: str
    """Empty: no build was named."""
    name: str


@dataclass(frozen=True)
class HistoryPage:
    query: str
    """What was typed, for the search box (`q`)."""
    read_as: str
    """How it was read: «a SHA-256 digest»; empty: nothing was typed."""
    searched: tuple[str, ...]
    """The fields that were searched; say them when nothing was found."""
    notes: tuple[str, ...]
    """What was not understood, or not done, as sentences."""
    chips: tuple[Chip, ...]
    filters: tuple[FilterGroup, ...]
    counted: int
    """How many builds the counts beside the filters are of: the newest that match."""
    plots: tuple[Plot, ...]
    plots_note: str
    """What the plots are of, where that is not every build of the time they show."""
    log_hint: LogHint | None
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
    filter_names: tuple[str, ...] = ()
    """Of the filters that may be typed, with their colons."""
