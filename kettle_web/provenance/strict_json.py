"""JSON read strictly: what two readers could understand differently is refused.

Source: RFC 8259 (sections 4, 6 and 8: duplicate names, numbers and encodings are where readers differ).
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from kettle_web.provenance.errors import ProvenanceError

DEPTH_LIMIT: Final = 64
"""Levels of nesting. Kettle's documents have nine; a recursive reader of a much deeper one may run out of stack."""


def json_parse(data: bytes, *, max_bytes: int, what: str = "the document") -> Any:
    """The value of a JSON text in strict UTF-8.

    Raises `ProvenanceError` for more than `max_bytes` bytes, a byte order mark, invalid UTF-8, doubled names, NaN and infinities,
    lone surrogates, NUL characters (databases and C programs end texts there), nesting deeper than `DEPTH_LIMIT`, and everything
    that is not one JSON value.
    """
    if len(data) > max_bytes:
        raise ProvenanceError("json.too-large", f"{what} has {len(data)} bytes, more than {max_bytes}")
    if not data.strip():
        raise ProvenanceError("json.empty", f"{what} is empty")
    if data.startswith(b"\xef\xbb\xbf"):
        raise ProvenanceError("json.byte-order-mark", f"{what} begins with a byte order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProvenanceError("json.not-utf8", f"{what} is not UTF-8 at byte {error.start}") from error
    try:
        value = json.loads(text, object_pairs_hook=_object_of_pairs, parse_constant=_constant_refuse, parse_float=_float_finite)
    except RecursionError as error:
        raise ProvenanceError("json.too-deep", f"{what} is nested deeper than {DEPTH_LIMIT} levels") from error
    except ValueError as error:
        raise ProvenanceError("json.malformed", f"{what} is not JSON: {error}") from error
    _walk(value, what, look_into_texts="\\u" in text)
    return value


def _object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ProvenanceError("json.doubled-name", f"the name {name[:60]!r} occurs twice in one object")
            seen.add(name)
    return value


def _constant_refuse(text: str) -> NoReturn:
    raise ProvenanceError("json.not-a-number", f"{text} is not a JSON number")


def _float_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ProvenanceError("json.not-a-number", "a number is too large")
    return number


def _walk(value: Any, what: str, *, look_into_texts: bool) -> None:
    """Refuses what only shows in the finished value, without recursion of its own."""
    pending: list[tuple[Any, int]] = [(value, 1)]
    while pending:
        item, depth = pending.pop()
        children: list[Any]
        if isinstance(item, dict):
            children = list(item.values())
            if look_into_texts:
                children.extend(item)
        elif isinstance(item, list):
            children = item
        else:
            if look_into_texts and isinstance(item, str):
                _text_check(item, what)
            continue
        if depth > DEPTH_LIMIT:
            raise ProvenanceError("json.too-deep", f"{what} is nested deeper than {DEPTH_LIMIT} levels")
        pending.extend((child, depth + 1) for child in children if isinstance(child, str | dict | list))


def _text_check(text: str, what: str) -> None:
    if "\0" in text:
        raise ProvenanceError("json.nul", f"{what} holds a NUL character")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ProvenanceError("json.lone-surrogate", f"{what} holds half of a surrogate pair")
