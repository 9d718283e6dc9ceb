"""Text from a server, made safe to store and to show."""

import math
import unicodedata
from typing import Any, Final

SHOWN_CHARS: Final = 300
"""Of a server's own words in a message of ours."""


def text_storable(text: str) -> str:
    """Without what databases and UTF-8 cannot hold: NUL and lone surrogates become replacement characters."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def text_shown(data: bytes | str) -> str:
    """One line of at most `SHOWN_CHARS`; control, format and bidirectional characters are escaped visibly."""
    text = data[: 8 * SHOWN_CHARS].decode("utf-8", "replace") if isinstance(data, bytes) else data[: 8 * SHOWN_CHARS]
    text = " ".join(text.split())
    shown = "".join(c if c == " " or unicodedata.category(c)[0] not in "CZ" else f"\\u{ord(c):04x}" for c in text)
    return shown if len(shown) <= SHOWN_CHARS else shown[: SHOWN_CHARS - 1] + "…"


def value_storable(value: Any) -> Any:
    """A JSON value with every string storable, names too; deep enough nesting is cut."""
    return _value(value, 8)


def _value(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return text_storable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {text_storable(str(key)): _value(inner, depth - 1) for key, inner in value.items()} if depth else {}
    if isinstance(value, list):
        return [_value(inner, depth - 1) for inner in value] if depth else []
    return value
