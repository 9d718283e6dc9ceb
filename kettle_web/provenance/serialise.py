"""The bytes of a provenance document. The signed digest covers them, so every byte counts.

Source: facts of the format; Kettle writes with a pretty printer of two spaces that escapes only what JSON must.
"""

from __future__ import annotations

import json
from typing import Any


def provenance_to_bytes(document: dict[str, Any]) -> bytes:
    """Two-space indent, UTF-8 unescaped, keys in the order of `document`, no newline at the end."""
    return json.dumps(document, indent=2, separators=(",", ": "), ensure_ascii=False, allow_nan=False).encode("utf-8")


def provenance_to_compact_bytes(document: dict[str, Any]) -> bytes:
    """The same without any white space: what evidence of early 2026 is signed over."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
