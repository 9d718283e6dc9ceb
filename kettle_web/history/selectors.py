"""One page of the history: only builds that the viewer may see, a constant number of queries, keyset pages."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import QueryDict
from django.utils.translation import gettext as _

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer
from kettle_web.builds.states import RUNNING, State
from kettle_web.history.conditions import condition
from kettle_web.history.fragments import FilterGroup, FilterOption, HistoryPage, HistoryRow
from kettle_web.history.reading import MAX_QUERY, query_read
from kettle_web.verification.report import Verdict
from kettle_web.verifications.models import Artifact
from kettle_web.verifications.words import verdict_word

PAGE_ROWS: Final = 50
COUNT_CAP: Final = 1000
RUNNING_VALUE: Final = "running"
"""Stands for every state that is not an end."""


def history_page(*, viewer: User, parameters: QueryDict, path: str) -> HistoryPage:
    """Give the page that an address stands for. Values that no filter has are ignored."""
    query = parameters.get("q", "").strip()[:MAX_QUERY]
    reading = query_read(query)
    groups = _filter_groups(parameters, path)
    builds = history_builds(viewer=viewer, parameters=parameters)
    count = builds.order_by().values("pk")[: COUNT_CAP + 1].count()
    before = _before(parameters)
    rows = list(_rows(builds, before)[: PAGE_ROWS + 1])
    shown = rows[:PAGE_ROWS]
    with_owner = is_owner_shown(viewer)
    return HistoryPage(
        query=query,
        read_as=str(reading.sentence),
        searched=tuple(str(name) for name in reading.fields),
        filters=groups,
        is_filtered=bool(query) or any(option.is_on for group in groups for option in group.options),
        rows=tuple(history_row(build, is_owner_shown=with_owner) for build in shown),
        count=min(count, COUNT_CAP),
        is_count_capped=count > COUNT_CAP,
        older_url=_url(path, parameters, before=str(shown[-1].pk)) if len(rows) > PAGE_ROWS else "",
        newest_url=_url(path, parameters, before="") if before is not None else "",
        clear_url=path,
    )


def history_builds(*, viewer: User, parameters: QueryDict) -> QuerySet[Build]:
    """Every build that a query string finds, in no order: all pages of `history_page` together."""
    reading = query_read(parameters.get("q", "").strip()[:MAX_QUERY])
    builds = _filtered(builds_for_viewer(viewer), _filter_groups(parameters, ""))
    return builds.filter(condition(reading)) if reading.sentence else builds


def is_owner_shown(viewer: User) -> bool:
    """Whether lists name the owners: to whom sees only their own it says nothing."""
    return viewer.is_staff or settings.BUILDS_VISIBLE_TO == "everyone"


def _rows(builds: QuerySet[Build], before: int | None) -> QuerySet[Build]:
    if before is not None:
        builds = builds.filter(pk__lt=before)
    return with_titles(builds).order_by("-pk")


def with_titles(builds: QuerySet[Build]) -> QuerySet[Build]:
    """Fetch along what `history_row` reads, so that a list of any length costs one query."""
    first = Artifact.objects.filter(build=OuterRef("pk")).order_by("name").values("name")[:1]
    return builds.select_related("owner", "index__repository").annotate(first_artifact=Subquery(first))


def _before(parameters: QueryDict) -> int | None:
    text = parameters.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _filtered(builds: QuerySet[Build], groups: tuple[FilterGroup, ...]) -> QuerySet[Build]:
    for group in groups:
        values = {option.value for option in group.options if option.is_on}
        if not values:
            continue
        if group.name == "state" and RUNNING_VALUE in values:
            values = (values - {RUNNING_VALUE}) | {state.value for state in RUNNING}
        builds = builds.filter(**{f"{group.name}__in": values})
    return builds


def _filter_groups(parameters: QueryDict, path: str) -> tuple[FilterGroup, ...]:
    ends = (State.DONE, State.FAILED, State.ABANDONED)
    choices = (
        ("verdict", _("Verdict"), [(verdict.value, verdict_word(verdict.value)) for verdict in reversed(Verdict)]),
        (
            "state",
            _("State"),
            [(RUNNING_VALUE, _("Running")), *((state.value, str(state.label)) for state in ends)],
        ),
        ("origin", _("Origin"), [(origin.value, str(origin.label)) for origin in Build.Origin]),
    )
    return tuple(
        FilterGroup(name, title, tuple(_option(parameters, path, name, value, word) for value, word in options))
        for name, title, options in choices
    )


def _option(parameters: QueryDict, path: str, name: str, value: str, word: str) -> FilterOption:
    on = parameters.getlist(name)
    others = [item for item in dict.fromkeys(on) if item != value]
    switched = others if value in on else [*others, value]
    return FilterOption(value, word, value in on, _url(path, parameters, before="", **{name: switched}))


def _url(path: str, parameters: QueryDict, **changes: str | list[str]) -> str:
    """The same page with some parameters replaced; empty ones are left out. Only known parameters are carried along."""
    fresh = QueryDict(mutable=True)
    for name in ("q", "verdict", "state", "origin", "before"):
        change = changes.get(name)
        values = parameters.getlist(name) if change is None else [change] if isinstance(change, str) else change
        if kept := [value for value in values if value]:
            fresh.setlist(name, kept)
    return f"{path}?{fresh.urlencode()}" if fresh else path


def history_row(build: Build, *, is_owner_shown: bool) -> HistoryRow:
    """One line. In lists, of a build that came by `with_titles`."""
    index = getattr(build, "index", None)
    repository = index.repository.url if index is not None and index.repository is not None else build.repo_url
    state = State(build.state)
    return HistoryRow(
        uid=build.uid,
        title=_title(repository) or build.source_name or build.label or _first_artifact(build) or build.uid,
        origin=build.origin,
        origin_word=build.get_origin_display(),
        label=build.label,
        ref=build.repo_ref,
        commit=(index.git_commit if index is not None else "") or build.resolved_commit or build.source_claimed_commit,
        state=build.state,
        state_word=str(state.label),
        is_running=state in RUNNING,
        verdict=build.verdict,
        verdict_word=verdict_word(build.verdict),
        headline=build.headline,
        failure=build.failure_message,
        platform=build.platform,
        owner=build.owner.get_username() if is_owner_shown else "",
        created_at=build.created_at,
        finished_at=build.finished_at,
    )


def _first_artifact(build: Build) -> str:
    """What an imported bundle without an address is about; empty: it names no file."""
    if hasattr(build, "first_artifact"):
        return build.first_artifact or ""
    first = build.artifacts.order_by("name").first()
    return first.name if first else ""


def _title(url: str) -> str:
    return url.removeprefix("git+").partition("://")[2].removesuffix("/").removesuffix(".git") or url
