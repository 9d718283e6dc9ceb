"""Runs a search: the newest builds that a viewer may see and that match, in a number of queries that does not grow with them.

Builds that ended are found through the search index. Those that run are few, and looked at by themselves. A word that is an
exact value, like a digest, gives a few builds, which are then held against the rest of what was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer, running_keys, sees_all_builds
from kettle_web.builds.states import RUNNING
from kettle_web.history.filters import ANY_OF, DATES, RUNNING_VALUE, Filter, Filters
from kettle_web.history.meaning import Meaning, filter_meaning, running_condition, running_filter, word_meaning
from kettle_web.history.typed import Word
from kettle_web.verifications.models import SearchRow
from kettle_web.verifications.search import dictionary
from kettle_web.verifications.search.postings import Span, Wanted, builds_newest
from kettle_web.verifications.search.tokens import Family, Kind, token

CLOCK_SLACK: Final = 64
"""Builds near a date that are looked at to find where the numbers of its builds begin: servers' clocks differ a little."""


@dataclass(frozen=True)
class Search:
    """A search that is ready to run. Made by `search_plan`."""

    viewer: User
    filters: Filters
    groups: tuple[Meaning, ...]
    """All must hold."""
    excluded: tuple[Meaning, ...]
    running: Q | None
    """The same of builds that run; None: no such build can match."""
    is_everything: bool
    """Nothing but dates was asked for."""
    is_cut: bool
    """A word matches more names than were looked at."""

    def ids(self, *, limit: int, below: int | None = None) -> list[int]:
        """Give the ids of the newest builds that match and have a smaller id than `below`, newest first."""
        span = _span(self.filters, below)
        if self.is_everything:
            return _bounded(builds_for_viewer(self.viewer), self.filters, span, limit)
        found = set(self._indexed(span, limit)) | set(self._exact(span))
        if self.running is not None:
            running = builds_for_viewer(self.viewer).filter(self.running, pk__in=[0, *running_keys()])
            found |= set(_bounded(running, self.filters, span, limit))
        return sorted(found, reverse=True)[:limit]

    def _wanted(self) -> Wanted:
        groups = [group.tokens for group in self.groups]
        if sees_all_builds(self.viewer):
            groups.append(dictionary.chosen(Kind.ALL, ["all"]).tokens)
        else:
            groups.append(frozenset({token(Family.OWNER, self.viewer.pk)}))
        excluded = frozenset[int]().union(*(meaning.tokens for meaning in self.excluded))
        return Wanted(tuple(groups), excluded, self.filters.since, self.filters.until)

    def _indexed(self, span: Span, limit: int) -> list[int]:
        gone = frozenset[int]().union(*(meaning.builds for meaning in self.excluded))
        found = builds_newest(self._wanted(), limit=limit + len(gone), span=span)
        return [pk for pk in found if pk not in gone]

    def _exact(self, span: Span) -> list[int]:
        """Builds that one of the groups names, held against all that was asked for."""
        named = frozenset[int]().union(*(group.builds for group in self.groups))
        named = frozenset(pk for pk in named if (span.low or 0) <= pk and (span.high is None or pk < span.high))
        if not named:
            return []
        seen = _dated(builds_for_viewer(self.viewer).filter(pk__in=named), self.filters)
        rows = dict(SearchRow.objects.filter(pk__in=named).values_list("pk", "tokens"))
        found = []
        for pk, state in seen.values_list("pk", "state"):
            tokens = set(rows.get(pk, ()))
            if state not in RUNNING and self._holds(pk, tokens):
                found.append(pk)
        return found

    def _holds(self, pk: int, tokens: set[int]) -> bool:
        def has(meaning: Meaning) -> bool:
            return pk in meaning.builds or bool(tokens & meaning.tokens)

        return all(has(group) for group in self.groups) and not any(has(meaning) for meaning in self.excluded)


def search_plan(*, viewer: User, words: tuple[Word, ...], filters: Filters) -> Search:
    """Look up what words and filters mean."""
    groups: list[Meaning] = []
    excluded: list[Meaning] = []
    running_words = Q()
    is_cut = False
    phrase = next((word.phrase for word in words if word.phrase is not None), None)
    together = word_meaning(phrase, viewer) if phrase is not None else Meaning()
    for word in words:
        meaning = word_meaning(word.reading, viewer)
        if not word.is_excluded:
            # In every group: what is meant together holds for each of the words.
            meaning |= together
        is_cut = is_cut or meaning.is_cut
        (excluded if word.is_excluded else groups).append(meaning)
        of_running = running_condition(word.reading)
        running_words &= ~of_running if word.is_excluded else of_running
    running: Q | None = running_words
    for name in dict.fromkeys(item.name for item in filters.items if item.name not in DATES):
        items = [item for item in filters.items if item.name == name]
        wanted = [item for item in items if not item.is_excluded]
        meanings = [filter_meaning(item, viewer) for item in wanted]
        is_cut = is_cut or any(meaning.is_cut for meaning in meanings)
        if meanings and name in ANY_OF:
            meanings = [_any(meanings)]
        groups += meanings
        excluded += [filter_meaning(item, viewer) for item in items if item.is_excluded]
        running = _running(running, name, wanted, [item for item in items if item.is_excluded])
    is_everything = not groups and not excluded
    return Search(viewer, filters, tuple(groups), tuple(excluded), running, is_everything, is_cut)


def _any(meanings: list[Meaning]) -> Meaning:
    found = meanings[0]
    for meaning in meanings[1:]:
        found |= meaning
    return found


def _running(running: Q | None, name: str, wanted: list[Filter], excluded: list[Filter]) -> Q | None:
    """Narrow what is asked of running builds by one filter."""
    if running is None:
        return None
    if name == "state":
        is_wanted = not wanted or any(item.value == RUNNING_VALUE for item in wanted)
        return running if is_wanted and all(item.value != RUNNING_VALUE for item in excluded) else None
    conditions = [condition for item in wanted if (condition := running_filter(item)) is not None]
    if len(conditions) < len(wanted):
        return None
    joined = Q()
    for condition in conditions:
        joined = joined | condition if name in ANY_OF else joined & condition
    for item in excluded:
        if (condition := running_filter(item)) is not None:
            joined &= ~condition
    return running & joined


def _dated(builds: QuerySet[Build], filters: Filters) -> QuerySet[Build]:
    if filters.since is not None:
        builds = builds.filter(created_at__gte=filters.since)
    return builds if filters.until is None else builds.filter(created_at__lt=filters.until)


def _bounded(builds: QuerySet[Build], filters: Filters, span: Span, limit: int) -> list[int]:
    rows = _dated(builds, filters)
    if span.low is not None:
        rows = rows.filter(pk__gte=span.low)
    if span.high is not None:
        rows = rows.filter(pk__lt=span.high)
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:limit])


def _span(filters: Filters, below: int | None) -> Span:
    """Ids between which builds of these dates lie: newest first is by id, and so walking begins and ends where they do."""
    low = _edge(filters.since, is_low=True)
    high = _edge(filters.until, is_low=False)
    highs = [value for value in (high, below) if value is not None]
    return Span(low, min(highs) if highs else None)


def _edge(moment: datetime | None, *, is_low: bool) -> int | None:
    if moment is None:
        return None
    rows = Build.objects.filter(created_at__gte=moment) if is_low else Build.objects.filter(created_at__lt=moment)
    ids = list(rows.order_by("created_at" if is_low else "-created_at").values_list("pk", flat=True)[:CLOCK_SLACK])
    if not ids:
        # No build is on that side of the date: the span is empty.
        return (1 << 62) if is_low else 0
    return min(ids) if is_low else max(ids) + 1
