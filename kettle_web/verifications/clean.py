"""Text from documents made fit for every database: PostgreSQL stores no NUL and no lone surrogate.

The report keeps what a document says in full; only what a column or JSON value cannot hold is replaced, visibly.
"""

from __future__ import annotations

import re
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def text_storable(text: str, max_length: int | None = None) -> str:
    """Give `text` without what cannot be stored, cut to `max_length` characters."""
    return _UNSTORABLE.sub(REPLACEMENT, text)[:max_length]


def text_exact(text: object, max_length: int) -> str:
    """Give a digest or identifier for an indexed column; empty when it is none or does not fit: half of one is no one's."""
    if not isinstance(text, str) or len(text) > max_length or _UNSTORABLE.search(text):
        return ""
    return text


def json_storable(value: Any) -> Any:
    """Give a JSON value with every text in it made storable."""
    if isinstance(value, str):
        return text_storable(value)
    if isinstance(value, dict):
        return {text_storable(str(key)): json_storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_storable(item) for item in value]
    return value
