"""Counts beside the filters: of the newest builds that match, never of more than were looked at, never of hidden ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from kettle_web.builds.models import Build
from kettle_web.builds.states import RUNNING, State
from kettle_web.history.asked import Asked
from kettle_web.history.filters import CHOICES, RUNNING_VALUE, choice_values, choice_word, filter_title
from kettle_web.history.fragments import FilterGroup, FilterOption
from kettle_web.history.titles import address_spellings, address_title
from kettle_web.verifications.models import Repository

REPOSITORIES_SHOWN: Final = 8
ALWAYS_SHOWN: Final = frozenset({"verdict", "state", "origin"})
"""Short lists whose every value stands there, so that a page does not change its shape with each search."""


@dataclass(frozen=True)
class Sample:
    """One of the builds that are counted."""

    verdict: str
    state: str
    origin: str
    platform: str
    created_at: datetime
    finished_at: datetime | None
    toolchain: str
    repository_id: int | None


@dataclass
class Counts:
    """How many builds have which value of a filter."""

    total: int
    by: dict[str, Counter[str]] = field(default_factory=dict)
    repositories: Counter[int] = field(default_factory=Counter)


def samples_read(ids: Sequence[int]) -> list[Sample]:
    """Read what is counted of some builds: one query."""
    fields = ("verdict", "state", "origin", "platform", "created_at", "finished_at", "index__toolchain", "index__repository_id")
    rows = Build.objects.filter(pk__in=ids).order_by().values_list(*fields)
    return [
        Sample(verdict, state, origin, platform, created_at, finished_at, toolchain or "", repository_id)
        for verdict, state, origin, platform, created_at, finished_at, toolchain, repository_id in rows
    ]


def counts_of(samples: Iterable[Sample]) -> Counts:
    """Count builds by every filter that has a list."""
    counts = Counts(0, {name: Counter() for name in CHOICES})
    for sample in samples:
        counts.total += 1
        counts.by["verdict"][sample.verdict] += 1
        counts.by["state"][RUNNING_VALUE if State(sample.state) in RUNNING else sample.state] += 1
        counts.by["origin"][sample.origin] += 1
        counts.by["platform"][sample.platform] += 1
        counts.by["toolchain"][sample.toolchain] += 1
        if sample.repository_id is not None:
            counts.repositories[sample.repository_id] += 1
    return counts


def filter_groups(asked: Asked, counts: Counts, path: str) -> tuple[FilterGroup, ...]:
    """Give every filter with a list, each value with its count and the address that switches it."""
    groups = [_choices(asked, counts, path, name) for name in CHOICES]
    groups.append(_repositories(asked, counts, path))
    return tuple(group for group in groups if group.options)


def _choices(asked: Asked, counts: Counts, path: str, name: str) -> FilterGroup:
    on = set(asked.filters.of(name))
    found = counts.by[name]
    options = []
    for value in choice_values(name):
        if name in ALWAYS_SHOWN or found[value] or value in on:
            # Where one value is chosen, the others were filtered away: nobody counted them.
            count = None if on and value not in on else found[value]
            options.append(FilterOption(value, choice_word(name, value), value in on, asked.switched(path, name, value), count))
    return FilterGroup(name, filter_title(name), tuple(options))


def _repositories(asked: Asked, counts: Counts, path: str) -> FilterGroup:
    on = {address_spellings(value)[0]: value for value in asked.filters.of("repo")}
    urls = dict(Repository.objects.filter(pk__in=list(counts.repositories)).values_list("pk", "url"))
    # Spellings of one address are one line, by that which most builds have, and the filter means them all.
    together: dict[str, tuple[str, int]] = {}
    for pk, count in counts.repositories.most_common():
        if pk in urls:
            base = address_spellings(urls[pk])[0]
            value, known = together.get(base, (urls[pk], 0))
            together[base] = (value, known + count)
    most = sorted(together.items(), key=lambda item: -item[1][1])[:REPOSITORIES_SHOWN]
    options = [
        FilterOption(value, address_title(value), base in on, asked.switched(path, "repo", on.get(base, value)), count)
        for base, (value, count) in most
    ]
    return FilterGroup("repo", filter_title("repo"), tuple(options))
