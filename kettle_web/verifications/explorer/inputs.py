"""The table of inputs: searched, sorted and cut into pages on the server, every choice in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from kettle_web.provenance.diff_lists import version_order
from kettle_web.provenance.inputs import Input, inputs
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.statement import Statement

PAGE_ROWS: Final = 100
MAX_QUERY: Final = 200
KIND_WORDS: Final = {
    "commit": _("commit"),
    "tree": _("git tree"),
    "lockfile": _("lockfile"),
    "tool": _("program"),
    "version": _("program's version"),
    "dependency": _("dependency"),
}
SORTS: Final = ("index", "kind", "name", "version", "entry")


@dataclass(frozen=True)
class InputRow:
    item: Input
    kind_word: str


@dataclass(frozen=True)
class Heading:
    """A column that can be sorted by."""

    name: str
    url: str
    direction: str
    """`ascending`, `descending` or empty: not sorted by this."""


@dataclass(frozen=True)
class InputsTable:
    rows: tuple[InputRow, ...]
    total: int
    count: int
    """Rows that the search finds."""
    query: str
    sort: str
    headings: dict[str, Heading]
    page: int
    pages: int
    previous_url: str
    next_url: str
    clear_url: str
    root: str
    """As the document states it."""
    is_provable: bool
    """Whether the inputs give the stated root: else nothing can be proven."""


def inputs_table(statement: Statement, parameters: QueryDict, path: str) -> InputsTable:
    """One page. Values that mean nothing are ignored."""
    every = inputs(statement)
    query = parameters.get("q", "").strip()[:MAX_QUERY]
    needle = query.casefold()
    found = [
        item
        for item in every
        if not needle or any(needle in text.casefold() for text in (item.name, item.version, item.entry, item.digest))
    ]
    sort = parameters.get("sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else "index"
    found = _sorted(found, sort)
    pages = max(1, -(-len(found) // PAGE_ROWS))
    page = _number(parameters.get("page", ""), pages)

    def url(**changes: str) -> str:
        fresh = QueryDict(mutable=True)
        for name, value in ({"q": query, "sort": sort, "page": ""} | changes).items():
            if value and (name, value) not in (("sort", "index"), ("page", "1")):
                fresh[name] = value
        return f"{path}?{fresh.urlencode()}" if fresh else path

    return InputsTable(
        rows=tuple(InputRow(item, str(KIND_WORDS[item.kind])) for item in found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]),
        total=len(every),
        count=len(found),
        query=query,
        sort=sort,
        headings={name: Heading(name, url(sort=f"-{name}" if sort == name else name), _direction(sort, name)) for name in SORTS},
        page=page,
        pages=pages,
        previous_url=url(page=str(page - 1)) if page > 1 else "",
        next_url=url(page=str(page + 1)) if page < pages else "",
        clear_url=url(q=""),
        root=statement.merkle_root,
        is_provable=is_provable(statement, every),
    )


def is_provable(statement: Statement, every: tuple[Input, ...]) -> bool:
    """Whether the inputs have places and give the root that the document states."""
    if not every or every[0].index < 0:
        return False
    return merkle_root(merkle_leaves(statement)).hex() == statement.merkle_root


def _sorted(found: list[Input], sort: str) -> list[Input]:
    name = sort.removeprefix("-")
    keys = {
        "index": lambda item: item.index,
        "kind": lambda item: (item.kind, item.index),
        "name": lambda item: (item.name.casefold(), version_order(item.version), item.index),
        "version": lambda item: (version_order(item.version), item.name, item.index),
        "entry": lambda item: (item.entry, item.index),
    }
    return sorted(found, key=keys[name], reverse=sort.startswith("-"))


def _direction(sort: str, name: str) -> str:
    return "" if sort.removeprefix("-") != name else "descending" if sort.startswith("-") else "ascending"


def _number(text: str, last: int) -> int:
    return min(max(1, int(text)), last) if text.isascii() and text.isdigit() and len(text) <= 9 else 1
