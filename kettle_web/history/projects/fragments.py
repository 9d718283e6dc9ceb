"""What the projects' pages show. Texts from documents are hostile; empty ones mean «not known»."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString

from kettle_web.history.alarms.selectors import AlarmBlock
from kettle_web.history.fragments import HistoryRow


@dataclass(frozen=True)
class ProjectRow:
    """One project in the list."""

    slug: str
    name: str
    newest: HistoryRow
    """Of the builds that the viewer may see."""
    open_alarms: int


@dataclass(frozen=True)
class ProjectsPage:
    rows: tuple[ProjectRow, ...]
    query: str
    older_url: str
    newest_url: str


@dataclass(frozen=True)
class RefRow:
    """The newest build of one branch, tag or commit."""

    ref: str
    """Empty: the repository's default branch."""
    uid: str
    state: str
    is_running: bool
    verdict: str
    commit: str
    created_at: datetime
    builds: int
    """Of this ref, among the newest that were looked at."""


@dataclass(frozen=True)
class Sample:
    """One build in a plot, and its line in the table behind it."""

    uid: str
    ref: str
    created_at: datetime
    seconds: float | None
    bytes: int | None
    verdict: str


@dataclass(frozen=True)
class Plot:
    title: str
    svg: SafeString
    summary: str
    """Its numbers in a sentence: the latest, the median, the largest."""


@dataclass(frozen=True)
class ProjectBuildRow:
    """One build with what differs from the build before, of the same ref if there is one."""

    build: HistoryRow
    compare_url: str
    """Empty: there is no build before to compare with."""
    changes: tuple[str, ...]
    """In words; empty with a `compare_url`: nothing that the index knows of."""


@dataclass(frozen=True)
class ProjectPage:
    slug: str
    name: str
    url: str
    count: int
    is_count_capped: bool
    alarms: AlarmBlock
    refs: tuple[RefRow, ...]
    is_window_cut: bool
    """There are older builds than those that refs and plots were taken from."""
    window: int
    """How many of the newest builds those are at most."""
    plots: tuple[Plot, ...]
    samples: tuple[Sample, ...]
    """Newest first."""
    rows: tuple[ProjectBuildRow, ...]
    older_url: str
    newest_url: str
    is_subscribed: bool
    mail_note: str
    """Why no message can be sent; empty: it can."""
