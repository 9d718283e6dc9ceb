"""One page of the history: only builds that the viewer may see, a constant number of queries, keyset pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer, sees_all_builds
from kettle_web.builds.states import RUNNING, State
from kettle_web.core.ids import ALPHABET, LENGTH
from kettle_web.history.asked import Asked, asked_read
from kettle_web.history.days import days_visible
from kettle_web.history.facets import Sample, counts_of, filter_groups, samples_read
from kettle_web.history.filters import CHOICES, NAMES, choice_word, filter_title
from kettle_web.history.fragments import Chip, HistoryPage, HistoryRow, LogHint, Plot
from kettle_web.history.plots import periods, plots
from kettle_web.history.sampled import days_sampled
from kettle_web.history.search import Search, search_plan
from kettle_web.history.titles import address_title
from kettle_web.verifications.models import Artifact
from kettle_web.verifications.words import verdict_word

PAGE_ROWS: Final = 50
COUNT_CAP: Final = 1000
PLOT_DAYS: Final = 30
"""Days that the plots show unless dates were asked for."""
PLOT_DAYS_MAX: Final = 3660
"""Of a search for dates: ten years."""
BATCH_IDS: Final = 500


def history_page(*, viewer: User, parameters: QueryDict, path: str) -> HistoryPage:
    """Give the page that an address stands for. What it cannot mean is said in its notes."""
    now = timezone.now()
    asked = asked_read(parameters, now=now)
    search = search_plan(viewer=viewer, words=asked.typed.words, filters=asked.filters)
    newest = search.ids(limit=COUNT_CAP + 1)
    ids = newest[: PAGE_ROWS + 1] if asked.below is None else search.ids(limit=PAGE_ROWS + 1, below=asked.below)
    shown = ids[:PAGE_ROWS]
    samples = samples_read(newest[:COUNT_CAP])
    drawn, plots_note = _plots(search, asked, samples, len(newest) > COUNT_CAP, path, now)
    words = asked.typed.words
    readings = [*(word.reading for word in words), *(word.phrase for word in words if word.phrase is not None)]
    return HistoryPage(
        query=asked.query,
        read_as=_("; ").join(dict.fromkeys(str(reading.sentence) for reading in readings if reading.sentence)),
        searched=tuple(dict.fromkeys(str(name) for reading in readings for name in reading.fields)),
        notes=_notes(asked, search),
        chips=_chips(asked, path),
        filters=filter_groups(asked, counts_of(samples), path),
        counted=len(samples),
        plots=drawn,
        plots_note=plots_note,
        log_hint=_log_hint(asked, viewer),
        is_filtered=asked.is_anything,
        rows=rows_shown(shown, viewer),
        count=min(len(newest), COUNT_CAP),
        is_count_capped=len(newest) > COUNT_CAP,
        older_url=asked.url(path, below=str(shown[-1])) if len(ids) > PAGE_ROWS else "",
        newest_url=asked.url(path) if asked.below is not None else "",
        clear_url=path,
        filter_names=tuple(f"{name}:" for name in NAMES),
    )


def history_address(*, parameters: QueryDict, path: str) -> str:
    """Give the address that says with parameters what was typed as filters; empty: nothing was."""
    asked = asked_read(parameters, now=timezone.now())
    # What was not understood is said on the page, which needs it in the text.
    return asked.url(path) if asked.typed.filters and not asked.filters.notes else ""


def history_ids(*, viewer: User, parameters: QueryDict, limit: int, below: int | None = None) -> list[int]:
    """Give the ids of the newest builds that a query string finds, newest first."""
    asked = asked_read(parameters, now=timezone.now())
    return search_plan(viewer=viewer, words=asked.typed.words, filters=asked.filters).ids(limit=limit, below=below)


def history_walk(*, viewer: User, parameters: QueryDict) -> Iterator[Build]:
    """Yield every build that a query string finds, newest first, with what `history_row` reads; in batches by key."""
    asked = asked_read(parameters, now=timezone.now())
    search = search_plan(viewer=viewer, words=asked.typed.words, filters=asked.filters)
    below: int | None = None
    while ids := search.ids(limit=BATCH_IDS, below=below):
        yield from with_titles(builds_for_viewer(viewer)).filter(pk__in=ids).order_by("-pk")
        below = ids[-1]


def is_owner_shown(viewer: User) -> bool:
    """Whether lists name the owners: to whom sees only their own it says nothing."""
    return sees_all_builds(viewer)


def rows_shown(ids: list[int], viewer: User) -> tuple[HistoryRow, ...]:
    """Give the lines of some builds, newest first."""
    builds = with_titles(builds_for_viewer(viewer)).filter(pk__in=ids).order_by("-pk")
    shown = is_owner_shown(viewer)
    return tuple(history_row(build, is_owner_shown=shown) for build in builds)


def with_titles(builds: QuerySet[Build]) -> QuerySet[Build]:
    """Fetch along what `history_row` reads, so that a list of any length costs one query."""
    first = Artifact.objects.filter(build=OuterRef("pk")).order_by("name").values("name")[:1]
    return builds.select_related("owner", "index__repository").annotate(first_artifact=Subquery(first))


def _plots(search: Search, asked: Asked, samples: list[Sample], is_cut: bool, path: str, now: datetime) -> tuple[tuple[Plot, ...], str]:
    """The plots, and what they are of where that is not everything."""
    today = now.astimezone(UTC).date()
    since, until = asked.filters.since, asked.filters.until
    last = min(today, (until - timedelta(microseconds=1)).date()) if until else today
    if search.is_everything:
        first = since.date() if since else last - timedelta(days=PLOT_DAYS - 1)
        first = max(first, last - timedelta(days=PLOT_DAYS_MAX))
        if first > last:
            return (), ""
        return plots(periods(days_visible(search.viewer, first=first, last=last), first=first, last=last), asked, path), ""
    if not samples:
        return (), ""
    days = days_sampled(samples)
    drawn = plots(periods(days, first=min(days), last=max(days)), asked, path)
    return drawn, _("Drawn from the newest %(count)d builds that match.") % {"count": len(samples)} if is_cut else ""


def _notes(asked: Asked, search: Search) -> tuple[str, ...]:
    cut = _("More names match than can be looked at; only builds with the newest 500 of them are found. Type more of the name.")
    return (*asked.notes, cut) if search.is_cut else asked.notes


def _chips(asked: Asked, path: str) -> tuple[Chip, ...]:
    typed = {(name, value) for name, value in asked.typed.filters}
    return tuple(
        Chip(
            name=item.name,
            value=item.parameter,
            title=filter_title(item.name),
            word=choice_word(item.name, item.value) if item.name in CHOICES else address_title(item.value),
            is_excluded=item.is_excluded,
            is_typed=(item.name, item.parameter) in typed,
            url=asked.url(path, filters=asked.filters.without(item).items),
        )
        for item in asked.filters.items
    )


def _log_hint(asked: Asked, viewer: User) -> LogHint | None:
    """Where `log:` leads: to the one build that the rest of the text names."""
    if not asked.typed.log:
        return None
    uids = [word.text for word in asked.typed.words if len(word.text) == LENGTH and set(word.text) <= set(ALPHABET)]
    build = with_titles(builds_for_viewer(viewer)).filter(uid__in=uids[:1]).first() if uids else None
    if build is None:
        return LogHint(asked.typed.log, "", "")
    query = QueryDict(mutable=True)
    query["q"] = asked.typed.log
    row = history_row(build, is_owner_shown=False)
    return LogHint(asked.typed.log, f"{reverse('builds:log-page', kwargs={'uid': build.uid})}?{query.urlencode()}", row.label or row.title)


def history_row(build: Build, *, is_owner_shown: bool) -> HistoryRow:
    """One line. In lists, of a build that came by `with_titles`."""
    index = getattr(build, "index", None)
    repository = index.repository.url if index is not None and index.repository is not None else build.repo_url
    state = State(build.state)
    return HistoryRow(
        uid=build.uid,
        title=address_title(repository) or build.source_name or build.label or _first_artifact(build) or build.uid,
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
        is_seeded=index is not None and index.is_seeded,
    )


def _first_artifact(build: Build) -> str:
    """What an imported bundle without an address is about; empty: it names no file."""
    if hasattr(build, "first_artifact"):
        return build.first_artifact or ""
    first = build.artifacts.order_by("name").first()
    return first.name if first else ""
