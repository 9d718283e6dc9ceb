"""What home and the build page show: frozen values, composed from the selectors of the apps below.

Texts are plain, and hostile where they come from repositories and builds: templates escape them, as always.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kettle_web.builds.again import AgainBlock
from kettle_web.builds.kept import Kept
from kettle_web.builds.log_pages import LogView
from kettle_web.builds.phases import Phase
from kettle_web.builds.timeouts import Limit
from kettle_web.builds.waiting import Waiting
from kettle_web.history.alarms.selectors import AlarmBlock
from kettle_web.history.fragments import HistoryRow
from kettle_web.sharing.fragments import LinksBlock
from kettle_web.verifications.fragments import ReportView


@dataclass(frozen=True)
class HomePage:
    running: tuple[HistoryRow, ...]
    running_count: int
    """All of them; `running` may be cut."""
    recent: tuple[HistoryRow, ...]
    """Newest first, without those that run."""
    is_empty: bool
    """Nothing that the viewer may see was ever built or imported."""
    has_endpoint: bool
    """False: there is no Kettle server to send a build to."""
    sample_key: str
    """Submission key of «Try the sample»: the button pressed twice is one build."""
    alarms: AlarmBlock


@dataclass(frozen=True)
class AttemptRow:
    """One POST /build."""

    number: int
    nonce_hex: str
    made_by: str
    outcome_word: str
    detail: str


@dataclass(frozen=True)
class Failure:
    """Why a build ended without a result."""

    message: str
    fault_word: str
    """Whose fault, in words: «the source». Empty: not known."""
    advice: str
    """What to do about it."""


@dataclass(frozen=True)
class RequestView:
    """What was asked for."""

    repo_url: str
    repo_ref: str
    resolved_commit: str
    source_name: str
    source_size: int | None
    source_sha256: str
    job_id: str
    attempts: tuple[AttemptRow, ...]


@dataclass(frozen=True)
class BuildPage:
    uid: str
    name: str
    origin: str
    origin_word: str
    owner_name: str
    """Empty where it is the viewer."""
    project_slug: str
    """Of the page of its repository; empty: it was not requested by URL."""
    created_at: datetime
    finished_at: datetime | None
    seconds: float | None
    """Since submission, up to the end where there is one; None for imports."""
    endpoint_name: str
    """Empty for an import."""
    state: str
    state_text: str
    """What is going on, in one sentence; empty once it is over."""
    is_running: bool
    is_failed: bool
    waiting: Waiting | None
    """Why it has not begun; None: nothing keeps it."""
    is_import: bool
    is_seeded: bool
    """Invented for measurements: nothing of it was built or checked, and the page says so first."""
    verdict: str
    title: str
    """Of the browser's tab, without the site's name."""
    favicon: str
    """Kind of the page's small picture: a verdict, `running`, `failed`; empty: the neutral one."""
    failure: Failure | None
    report: ReportView | None
    """None until the result was judged."""
    phases: tuple[Phase, ...]
    log: LogView
    request: RequestView
    links: LinksBlock
    again: AgainBlock
    limits: tuple[Limit, ...]
    """What ends it if nothing moves; empty once it has ended."""
    kept: tuple[Kept, ...]
    """How long its parts stay here; empty while it runs."""
