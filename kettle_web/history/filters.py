"""The filters of the history: what they are called, what they take, and how `verdict:failed` in the search box becomes one.

A filter lives in the address as a parameter of its name, which may be repeated; a value that begins with `-` excludes. No
database here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.core.templatetags.kettle import VERDICT_WORDS, state_word, verdict_word

RUNNING_VALUE: Final = "running"
"""Stands for every state that is not an end."""
MAX_VALUES: Final = 20
"""Of one filter in one address; what is beyond is said and left out."""
MAX_VALUE: Final = 300
"""Characters of a value."""
PLATFORMS: Final = {
    "snp": gettext_lazy("AMD SEV-SNP"),
    "az-snp": gettext_lazy("AMD SEV-SNP on Azure"),
    "gcp-snp": gettext_lazy("AMD SEV-SNP, tagged as Google Cloud"),
    "tdx": gettext_lazy("Intel TDX"),
    "az-tdx": gettext_lazy("Intel TDX on Azure"),
    "gcp-tdx": gettext_lazy("Intel TDX, tagged as Google Cloud"),
    "dstack": gettext_lazy("Intel TDX, tagged as dstack"),
}
"""The evidence's own tags; a cloud in them is the attester's claim."""
TOOLCHAINS: Final = {"cargo": gettext_lazy("Cargo"), "nix": gettext_lazy("Nix"), "pnpm": gettext_lazy("pnpm")}
STATES: Final = (RUNNING_VALUE, State.DONE.value, State.FAILED.value, State.ABANDONED.value)

CHOICES: Final = ("verdict", "state", "platform", "toolchain", "origin")
"""Filters with a list of values; of several values any will do."""
TEXTS: Final = ("repo", "dep", "file", "label", "ref", "tool", "measurement", "chip", "pcr", "commit", "by")
"""Filters that take what is typed. Of several all must hold, except `repo`, `commit` and `by`, of which any will do."""
DATES: Final = ("after", "before")
NAMES: Final = (*CHOICES, *TEXTS, *DATES)
ANY_OF: Final = frozenset({*CHOICES, "repo", "commit", "by"})

_DAY: Final = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", re.ASCII)
_AGO: Final = re.compile(r"(\d{1,4})([dwmy])", re.ASCII)
_AGO_DAYS: Final = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True)
class Filter:
    """One value of one filter."""

    name: str
    value: str
    is_excluded: bool = False

    @property
    def parameter(self) -> str:
        """The value as it stands in an address."""
        return f"-{self.value}" if self.is_excluded else self.value


@dataclass(frozen=True)
class Filters:
    """Every filter that is on, in the order of `NAMES`, and what was not understood, as sentences."""

    items: tuple[Filter, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    notes: tuple[str, ...] = field(default=())

    def of(self, name: str, *, is_excluded: bool = False) -> tuple[str, ...]:
        return tuple(item.value for item in self.items if item.name == name and item.is_excluded is is_excluded)

    def without(self, item: Filter) -> Filters:
        return replace(self, items=tuple(other for other in self.items if other != item))


def filters_read(values: Mapping[str, Iterable[str]], *, now: datetime) -> Filters:
    """Give the filters that parameters spell. What has no meaning is left out, and said."""
    items: list[Filter] = []
    notes: list[str] = []
    bounds: dict[str, datetime] = {}
    for name in NAMES:
        # PostgreSQL knows no U+0000.
        texts = [text.replace("\x00", "").strip() for text in values.get(name, ())]
        given = list(dict.fromkeys(text for text in texts if text.strip(" -")))
        if len(given) > MAX_VALUES:
            notes.append(_("Of «%(name)s» only the first %(count)d values are used.") % {"name": name, "count": MAX_VALUES})
        for text in given[:MAX_VALUES]:
            item = Filter(name, text.removeprefix("-")[:MAX_VALUE], text.startswith("-"))
            if said := _fault(item, now):
                notes.append(said)
                continue
            if name in DATES and (moment := _day(item.value, now)) is not None:
                known = bounds.get(name, moment)
                # The narrower of two bounds.
                bounds[name] = max(known, moment) if name == "after" else min(known, moment)
            if item.name in CHOICES:
                item = replace(item, value=item.value.lower())
            items.append(item)
    return Filters(tuple(items), bounds.get("after"), bounds.get("before"), tuple(notes))


def _fault(item: Filter, now: datetime) -> str:
    if item.name in CHOICES and item.value.lower() not in (known := choice_values(item.name)):
        words = {"name": item.name, "value": item.value, "values": ", ".join(known)}
        return _("«%(name)s:» has no value «%(value)s», so it was left out. It takes: %(values)s.") % words
    if item.name in DATES and (item.is_excluded or _day(item.value, now) is None):
        words = {"name": item.name, "value": item.value}
        return _("«%(name)s:%(value)s» is no date, so it was left out. Write 2026-03-31, 2026-03, 7d (days ago), today.") % words
    return ""


def choice_values(name: str) -> tuple[str, ...]:
    """Give the values of a filter with a list of them."""
    lists: dict[str, Iterable[str]] = {
        "verdict": VERDICT_WORDS,
        "state": STATES,
        "platform": PLATFORMS,
        "toolchain": TOOLCHAINS,
        "origin": [origin.value for origin in Build.Origin],
    }
    return tuple(lists[name])


def choice_word(name: str, value: str) -> str:
    """Give a value in words."""
    if name == "verdict":
        return verdict_word(value)
    if name == "state":
        return _("Running") if value == RUNNING_VALUE else state_word(value)
    if name == "origin":
        return str(Build.Origin(value).label)
    return str((PLATFORMS if name == "platform" else TOOLCHAINS).get(value, value))


def filter_title(name: str) -> str:
    """Give what a filter is called on the page."""
    titles = {
        "verdict": _("Verdict"),
        "state": _("State"),
        "platform": _("Platform"),
        "toolchain": _("Toolchain"),
        "origin": _("Origin"),
        "repo": _("Repository"),
        "dep": _("Dependency"),
        "file": _("File"),
        "label": _("Label"),
        "ref": _("Branch or tag"),
        "tool": _("Tool"),
        "measurement": _("Measurement"),
        "chip": _("Chip"),
        "pcr": _("PCR"),
        "commit": _("Commit"),
        "by": _("Submitted by"),
        "after": _("From"),
        "before": _("Before"),
    }
    return titles[name]


def _day(text: str, now: datetime) -> datetime | None:
    """The beginning of a day, month or year, in UTC; None: no date."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    if ago := _AGO.fullmatch(text):
        return today - timedelta(days=int(ago[1]) * _AGO_DAYS[ago[2]]) if int(ago[1]) * _AGO_DAYS[ago[2]] < 365_000 else None
    if not (found := _DAY.fullmatch(text)):
        return None
    try:
        return datetime(int(found[1]), int(found[2] or 1), int(found[3] or 1), tzinfo=UTC)
    except ValueError:
        return None
