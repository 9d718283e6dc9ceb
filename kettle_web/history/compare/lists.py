"""The tables of a comparison: dependencies and files, with their filter and their pages in the address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from kettle_web.history.compare import words
from kettle_web.history.compare.fragments import KindFilter, ListBlock, ListRow
from kettle_web.provenance.diff_lists import Change, Entry, File, Lists, Pair

KINDS: Final = ("changed", "added", "removed", "unchanged")
DEFAULT: Final = frozenset({"changed", "added", "removed"})
PAGE_ROWS: Final = 2000
"""Rows on one page of a table; the JSON has all of them at once."""


def dependencies_block(lists: Lists[Entry], parameters: QueryDict, path: str) -> ListBlock:
    # What is an alarm stands first.
    changed = sorted(lists.changed, key=lambda pair: not (pair.change is Change.DIGEST and pair.left.version))
    return _block("dependencies", _("Dependencies"), replace(lists, changed=tuple(changed)), _dependency_row, parameters, path)


def files_block(lists: Lists[File], parameters: QueryDict, path: str) -> ListBlock:
    return _block("files", _("Files"), lists, _file_row, parameters, path)


def _block(
    name: str, title: str, lists: Lists[Any], row: Callable[[str, Any, Any, Change | None], ListRow], parameters: QueryDict, path: str
) -> ListBlock:
    wanted = {kind for kind in parameters.getlist(f"show-{name}") if kind in KINDS} or set(DEFAULT)
    found: dict[str, tuple[Any, ...]] = {kind: getattr(lists, kind) for kind in KINDS}
    chosen = [(kind, item) for kind in KINDS if kind in wanted for item in found[kind]]
    page = _page(parameters.get(f"page-{name}", ""), len(chosen))
    start = (page - 1) * PAGE_ROWS
    return ListBlock(
        name=name,
        title=title,
        left_count=lists.left_count,
        right_count=lists.right_count,
        filters=tuple(
            KindFilter(kind, str(words.KIND_WORDS[kind]), len(found[kind]), kind in wanted, _switched(name, kind, wanted, parameters, path))
            for kind in KINDS
        ),
        rows=tuple(_row(row, kind, item) for kind, item in chosen[start : start + PAGE_ROWS]),
        count=len(chosen),
        page=page,
        previous_url=_url(path, parameters, name, page=str(page - 1)) if page > 1 else "",
        next_url=_url(path, parameters, name, page=str(page + 1)) if start + PAGE_ROWS < len(chosen) else "",
        unchanged_count=len(lists.unchanged),
        is_unchanged_shown="unchanged" in wanted,
    )


def _page(text: str, count: int) -> int:
    last = max(1, -(-count // PAGE_ROWS))
    return min(max(1, int(text)), last) if text.isascii() and text.isdigit() and len(text) <= 9 else 1


def _switched(name: str, kind: str, wanted: set[str], parameters: QueryDict, path: str) -> str:
    """Without its last kind a table would be empty: then the usual choice is back."""
    left = [other for other in KINDS if (other in wanted) is not (other == kind)]
    return _url(path, parameters, name, show=[] if set(left) == DEFAULT else left)


def _url(path: str, parameters: QueryDict, table: str, *, show: list[str] | None = None, page: str = "") -> str:
    fresh = QueryDict(mutable=True)
    for name in ("dependencies", "files"):
        kinds = parameters.getlist(f"show-{name}") if name != table or show is None else show
        number = parameters.get(f"page-{name}", "") if name != table else page
        if kept := [kind for kind in kinds if kind in KINDS]:
            fresh.setlist(f"show-{name}", kept)
        if number and number != "1":
            fresh[f"page-{name}"] = number
    query = f"?{fresh.urlencode()}" if fresh else ""
    return f"{path}{query}#{table}"


def _row(make: Callable[[str, Any, Any, Change | None], ListRow], kind: str, item: Any) -> ListRow:
    if isinstance(item, Pair):
        return make(kind, item.left, item.right, item.change)
    return make(kind, item if kind != "added" else None, item if kind != "removed" else None, None)


def _dependency_row(kind: str, left: Entry | None, right: Entry | None, change: Change | None) -> ListRow:
    one = left or right
    assert one is not None
    is_alarm = change is Change.DIGEST and bool(one.version)
    word = (
        words.DIGEST_WITHOUT_VERSION
        if change is Change.DIGEST and not one.version
        else words.CHANGE_WORDS.get(change, "")
        if change
        else ""
    )
    return ListRow(
        kind=kind,
        word=str(words.KIND_WORDS[kind]),
        change=str(word),
        is_alarm=is_alarm,
        name=one.name,
        ecosystem=one.ecosystem,
        left_version=left.version if left else "",
        right_version=right.version if right else "",
        left_digest=left.digest if left else "",
        right_digest=right.digest if right else "",
        left_uri=left.uri if left else "",
        right_uri=right.uri if right else "",
        left_size=None,
        right_size=None,
    )


def _file_row(kind: str, left: File | None, right: File | None, change: Change | None) -> ListRow:
    one = left or right
    assert one is not None
    word = words.DIGEST_WITHOUT_VERSION if change is Change.DIGEST else words.CHANGE_WORDS[change] if change else ""
    return ListRow(
        kind=kind,
        word=str(words.KIND_WORDS[kind]),
        change=str(word),
        is_alarm=False,
        name=one.name,
        ecosystem="",
        left_version="",
        right_version="",
        left_digest=left.sha256 if left else "",
        right_digest=right.sha256 if right else "",
        left_uri="",
        right_uri="",
        left_size=left.size if left else None,
        right_size=right.size if right else None,
    )
