"""What an address of the history asks for: search text, filters, page; and the addresses that lead from there. No database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from kettle_web.history.filters import NAMES, Filter, Filters, filters_read
from kettle_web.history.reading import MAX_QUERY
from kettle_web.history.typed import Typed, typed_read

CURSOR = "below"
"""Parameter of a further page: builds with a smaller number than this."""


@dataclass(frozen=True)
class Asked:
    query: str
    """What is in the search box."""
    typed: Typed
    filters: Filters
    """Those of the box and those of the address together."""
    parameters: QueryDict
    """Of the address, as they came."""
    below: int | None
    """Of a further page; None: the first one."""

    @property
    def is_anything(self) -> bool:
        return bool(self.query or self.filters.items)

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.typed.notes, *self.filters.notes)

    def url(self, path: str, *, filters: tuple[Filter, ...] | None = None, query: str | None = None, below: str = "") -> str:
        """Give the address of the same search with something replaced: every filter as a parameter, none in the text."""
        fresh = QueryDict(mutable=True)
        text = self.typed.rest if query is None else query
        if text:
            fresh["q"] = text
        items = self.filters.items if filters is None else filters
        for name in NAMES:
            if values := [item.parameter for item in items if item.name == name]:
                fresh.setlist(name, values)
        if below:
            fresh[CURSOR] = below
        return f"{path}?{fresh.urlencode()}" if fresh else path

    def switched(self, path: str, name: str, value: str) -> str:
        """Give the address with one value of a filter switched on or off."""
        item = Filter(name, value)
        if item in self.filters.items:
            return self.url(path, filters=self.filters.without(item).items)
        kept = tuple(other for other in self.filters.items if other != Filter(name, value, is_excluded=True))
        return self.url(path, filters=(*kept, item))


def asked_read(parameters: QueryDict, *, now: datetime) -> Asked:
    """Give what an address asks for. What it does not know is left out; values of filters that mean nothing are said."""
    query = parameters.get("q", "").replace("\x00", "").strip()[:MAX_QUERY]
    typed = typed_read(query)
    values = {name: parameters.getlist(name) + [value for named, value in typed.filters if named == name] for name in NAMES}
    return Asked(query, typed, filters_read(values, now=now), parameters, _cursor(parameters))


def _cursor(parameters: QueryDict) -> int | None:
    text = parameters.get(CURSOR, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
