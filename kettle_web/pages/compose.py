"""Builds what home and the build page show (`fragments`) from the selectors of the apps below."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kettle_web.builds.again import again_block
from kettle_web.builds.kept import kept_of
from kettle_web.builds.log_pages import log_view
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer, phases, sees_all_builds
from kettle_web.builds.states import RUNNING, Fault, State
from kettle_web.builds.targets import targets
from kettle_web.builds.timeouts import limits_of
from kettle_web.builds.waiting import waiting_view
from kettle_web.core.said import said
from kettle_web.core.templatetags.kettle import state_word, verdict_word
from kettle_web.history.alarms.selectors import open_block
from kettle_web.history.fragments import HistoryRow
from kettle_web.history.selectors import history_row, with_titles
from kettle_web.pages.fragments import AttemptRow, BuildPage, Failure, HomePage, RequestView
from kettle_web.sharing.selectors import links_block
from kettle_web.verifications.selectors import report_view_latest

RUNNING_SHOWN: Final = 20
RECENT_SHOWN: Final = 10
LIVE_ROWS: Final = 50
"""Rows that a list may ask for at once: as many as a page of the history has."""

STATE_TEXTS: Final = {
    State.QUEUED: gettext_lazy("waiting for its turn on this site."),
    State.SUBMITTING: gettext_lazy("the source is on its way to the Kettle server."),
    State.BUILDING: gettext_lazy("the Kettle server builds it; its log comes in below."),
    State.FETCHING: gettext_lazy("the build is done, and its result is being fetched."),
    State.VERIFYING: gettext_lazy("every link of the chain is being checked."),
}
ADVICE: Final = {
    Fault.SOURCE: gettext_lazy("Look at the end of the log, mend the source, and submit it again."),
    Fault.BUILDER: gettext_lazy("The source may be fine. Submit it again, or tell whoever runs the Kettle server."),
    Fault.NETWORK: gettext_lazy("The source may be fine. Submit it again when the Kettle server can be reached."),
    Fault.US: gettext_lazy("The source may be fine. The site's log says more; tell its operator."),
}


def _seconds(build: Build, now: datetime | None = None) -> float | None:
    end = build.finished_at or now
    if end is None or build.origin == Build.Origin.IMPORT:
        return None
    return (end - build.created_at).total_seconds()


def _owner_name(build: Build, viewer: User) -> str:
    return "" if build.owner_id == viewer.pk else build.owner.get_username()


def home_page(viewer: User) -> HomePage:
    """What is running, what came last."""
    seen: QuerySet[Build] = with_titles(builds_for_viewer(viewer))
    running = list(seen.filter(state__in=RUNNING)[:RUNNING_SHOWN])
    recent = list(seen.exclude(state__in=RUNNING)[:RECENT_SHOWN])
    count = len(running) if len(running) < RUNNING_SHOWN else seen.filter(state__in=RUNNING).count()
    is_owner_shown = any(build.owner_id != viewer.pk for build in (*running, *recent))
    return HomePage(
        running=tuple(history_row(build, is_owner_shown=is_owner_shown) for build in running),
        running_count=count,
        recent=tuple(history_row(build, is_owner_shown=is_owner_shown) for build in recent),
        is_empty=not running and not recent,
        has_endpoint=bool(targets()),
        sample_key=secrets.token_urlsafe(24),
        alarms=open_block(viewer),
    )


def live_rows(viewer: User, uids: Sequence[str]) -> tuple[HistoryRow, ...]:
    """The rows of some builds, newest first; of those that the viewer may not see there is none."""
    seen = with_titles(builds_for_viewer(viewer)).filter(uid__in=uids[:LIVE_ROWS])
    return tuple(history_row(build, is_owner_shown=sees_all_builds(viewer)) for build in seen)


def _request_view(build: Build) -> RequestView:
    return RequestView(
        repo_url=build.repo_url,
        repo_ref=build.repo_ref,
        resolved_commit=build.resolved_commit,
        source_name=build.source_name,
        source_size=build.source_size,
        source_sha256=build.source_sha256,
        job_id=build.job_id,
        attempts=tuple(
            AttemptRow(row.number, row.nonce_hex, row.get_nonce_made_by_display(), row.get_outcome_display(), row.detail)
            for row in build.attempts.all()
        ),
    )


def _failure(build: Build) -> Failure | None:
    if build.state != State.FAILED:
        return None
    fault = Fault(build.fault) if build.fault else None
    return Failure(
        message=said(build.failure_message) or _("the reason was not recorded."),
        fault_word=str(fault.label) if fault else "",
        advice=str(ADVICE[fault]) if fault else "",
    )


def build_page(build: Build, viewer: User, *, now: datetime, want_log: bool = True) -> BuildPage:
    """Everything on a build's page, running or not. Without `want_log` its rows stay away: an open page has them."""
    is_running = build.state in RUNNING
    report = None if is_running else report_view_latest(build, viewer=viewer)
    row = history_row(build, is_owner_shown=False)
    name = row.label or row.title
    word = verdict_word(build.verdict) if build.verdict and not is_running else state_word(build.state)
    favicon = "running" if is_running else "failed" if build.state == State.FAILED else build.verdict
    if row.is_seeded:
        word, favicon = _("Seeded"), "simulated"
    return BuildPage(
        uid=build.uid,
        name=name,
        origin=build.origin,
        origin_word=str(Build.Origin(build.origin).label),
        owner_name=_owner_name(build, viewer),
        project_slug=build.project.slug if build.project else "",
        created_at=build.created_at,
        finished_at=build.finished_at,
        seconds=_seconds(build, now),
        endpoint_name=build.endpoint.name if build.endpoint else build.pool.name if build.pool else "",
        state=build.state,
        state_text=str(STATE_TEXTS.get(State(build.state), "")),
        is_running=is_running,
        is_failed=build.state == State.FAILED,
        waiting=waiting_view(build),
        is_import=build.origin == Build.Origin.IMPORT,
        is_seeded=row.is_seeded,
        verdict=build.verdict,
        title=f"{word} · {name}",
        favicon=favicon,
        failure=_failure(build),
        report=report,
        phases=tuple(phases(build)),
        log=log_view(build, want_rows=want_log),
        request=_request_view(build),
        again=again_block(build, viewer),
        limits=limits_of(build) if is_running else (),
        kept=() if is_running else kept_of(build),
        links=links_block(user=viewer, build=build, now=now),
    )
