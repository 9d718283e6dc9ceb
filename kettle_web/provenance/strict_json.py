"""JSON read strictly: what two readers could understand differently is refused.

Source: RFC 8259 (sections 4, 6 and 8: duplicate names, numbers and encodings are where readers differ).
"""

from __future__ import annotations

import json
import math
from itertools import chain
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
    # A single letter is found ten times as fast as two, and most texts have no escape at all.
    has_escapes = "\\" in text and "\\u" in text
    try:
        value = _DECODER.decode(text)
        if _names_walk(value, what) != text.count(":") or has_escapes:
            # A name was dropped, or an escaped colon makes the count mean nothing: read again, looking at every object.
            value = _DECODER_WATCHFUL.decode(text)
    except RecursionError as error:
        raise ProvenanceError("json.too-deep", f"{what} is nested deeper than {DEPTH_LIMIT} levels") from error
    except ValueError as error:
        raise ProvenanceError("json.malformed", f"{what} is not JSON: {error}") from error
    # NUL and lone surrogates can only come from escapes: raw ones are refused by the reader and by UTF-8.
    if has_escapes:
        _texts_check(value, what)
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


_DECODER: Final = json.JSONDecoder(parse_constant=_constant_refuse, parse_float=_float_finite)
_DECODER_WATCHFUL: Final = json.JSONDecoder(object_pairs_hook=_object_of_pairs, parse_constant=_constant_refuse, parse_float=_float_finite)


def _names_walk(value: Any, what: str) -> int:
    """How many colons the text of `value` has: one for each name, and those inside of names and strings. Refuses too deep a nesting.

    A reader that keeps the last of doubled names drops the others, and with each at least one colon of the text: so the numbers are
    equal exactly when nothing was dropped. (Only an escape, ``\\u003a``, is a colon here and none there.) That takes half of the time
    of a hook for each object. The walk goes level by level, without recursion of its own; values of our reader are of exactly these
    types, so that `is` will do.
    """
    level: list[Any] = [value]
    colons = 0
    for _ in range(DEPTH_LIMIT + 1):
        colons += "".join([item for item in level if type(item) is str]).count(":")
        objects = [item for item in level if type(item) is dict]
        lists = [item for item in level if type(item) is list]
        if not objects and not lists:
            return colons
        colons += sum(map(len, objects)) + "".join(chain.from_iterable(objects)).count(":")
        level = [*chain.from_iterable(map(dict.values, objects)), *chain.from_iterable(lists)]
    raise ProvenanceError("json.too-deep", f"{what} is nested deeper than {DEPTH_LIMIT} levels")


def _texts_check(value: Any, what: str) -> None:
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += item.values()
            pending += item
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, str):
            _text_check(item, what)


def _text_check(text: str, what: str) -> None:
    if "\0" in text:
        raise ProvenanceError("json.nul", f"{what} holds a NUL character")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ProvenanceError("json.lone-surrogate", f"{what} holds half of a surrogate pair")
