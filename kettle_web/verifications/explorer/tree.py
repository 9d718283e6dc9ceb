"""A JSON document for reading: a tree that folds, of bounded size; larger parts have an address of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.strict_json import json_parse

MAX_NODES: Final = 1500
"""Lines on one page: some 300 kB of HTML, which a phone draws at once."""
MAX_CHILDREN: Final = 200
"""Of one object or list; the next ones have an address."""
MAX_TEXT: Final = 300
"""Characters of a value; a longer one is shown whole at its own address, up to `MAX_WHOLE`."""
MAX_WHOLE: Final = 20_000
MAX_DEPTH: Final = 12
"""Levels on one page; ours have nine. Templates that include themselves run out of stack much deeper."""
OPEN_DEPTH: Final = 2
"""Levels that are unfolded at first."""
HEAD_BYTES: Final = 4096
"""Of a document that is no JSON."""


@dataclass(frozen=True)
class Node:
    key: str
    """Name or place in its parent; empty for the whole."""
    kind: str
    """`object`, `list`, `text`, `other`."""
    text: str
    """Of a value, perhaps cut; of an object or list how many it has."""
    is_cut: bool
    copy: str
    """What the copy button gives; empty: too long for it."""
    pointer: str
    """RFC 6901."""
    children: tuple[Node, ...]
    count: int
    """Of an object or list: all that it has."""
    first: int
    """Place of the first child shown."""
    is_open: bool

    @property
    def next_from(self) -> int:
        return self.first + len(self.children)

    @property
    def left_out(self) -> int:
        return self.count - self.next_from


@dataclass(frozen=True)
class Tree:
    node: Node | None
    """None: `fault`."""
    fault: str
    head: str
    """The beginning of what is no JSON, as text."""


def tree_of(data: bytes, *, pointer: str, first: int) -> Tree:
    """The part of a document at a pointer. Raises `Http404` for one that leads nowhere."""
    try:
        value = json_parse(data, max_bytes=len(data) + 1)
    except ProvenanceError as error:
        return Tree(None, str(error), data[:HEAD_BYTES].decode("utf-8", "replace"))
    path = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for part in path:
        value = _child(value, part)
    budget = [MAX_NODES]
    return Tree(_node(path[-1] if path else "", value, pointer, 0, budget, first), "", "")


def _child(value: Any, part: str) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list) and part.isascii() and part.isdigit() and len(part) <= 9 and int(part) < len(value):
        return value[int(part)]
    raise Http404


def _node(key: str, value: Any, pointer: str, depth: int, budget: list[int], first: int = 0) -> Node:
    budget[0] -= 1
    if not isinstance(value, (dict, list)):
        return _leaf(key, value, pointer, depth)
    is_object = isinstance(value, dict)
    count = len(value)
    first = min(max(0, first), count)
    items = list(value.items() if isinstance(value, dict) else enumerate(value))[first : first + MAX_CHILDREN]
    if depth >= MAX_DEPTH:
        items = []
    children: list[Node] = []
    for name, inner in items:
        if budget[0] <= 0:
            break
        escaped = str(name).replace("~", "~0").replace("/", "~1")
        children.append(_node(str(name), inner, f"{pointer}/{escaped}", depth + 1, budget))
    kind = "object" if is_object else "list"
    return Node(key, kind, str(count), False, "", pointer, tuple(children), count, first, depth < OPEN_DEPTH)


def _leaf(key: str, value: Any, pointer: str, depth: int) -> Node:
    text = value if isinstance(value, str) else json.dumps(value)
    most = MAX_WHOLE if depth == 0 else MAX_TEXT
    copy = text if len(text) <= most else ""
    return Node(key, "text" if isinstance(value, str) else "other", text[:most], len(text) > most, copy, pointer, (), 0, 0, False)
