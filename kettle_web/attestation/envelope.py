"""The outermost layer of evidence.json: `{"platform": …, "evidence": {…}}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .checks import Malformed
from .encoding import json_decode

MAX_EVIDENCE_BYTES: Final = 10 * 1024 * 1024
"""Source: evidence facts, section 0 (the reference verifier's cap)."""
MAX_PLATFORM_CHARACTERS: Final = 64
"""The longest known tag has 8; the tag is shown on pages and stored in a column."""


@dataclass(frozen=True)
class Envelope:
    platform: str
    """The evidence's own tag. Unsigned: it selects a procedure and proves nothing."""
    evidence: dict[str, Any]


def envelope_parse(data: bytes) -> Envelope:
    """Strict UTF-8 JSON, an object, no duplicate keys; keys other than the two are ignored. Raises `Malformed`."""
    if len(data) > MAX_EVIDENCE_BYTES:
        raise Malformed("envelope.too-large", f"The evidence has {len(data)} bytes; at most {MAX_EVIDENCE_BYTES} are read.")
    document = json_decode(data, "The evidence")
    if not isinstance(document, dict):
        raise Malformed("envelope.not-object", "The evidence is not a JSON object.")
    platform, evidence = document.get("platform"), document.get("evidence")
    if not isinstance(platform, str) or not 0 < len(platform) <= MAX_PLATFORM_CHARACTERS:
        raise Malformed("envelope.platform", "The evidence has no platform tag, or one that is not a short text.")
    if not platform.isascii() or not platform.isprintable():
        raise Malformed("envelope.platform", "The platform tag has characters that no known tag has.")
    if not isinstance(evidence, dict):
        raise Malformed("envelope.evidence", "The evidence field is missing or is not an object.")
    return Envelope(platform, evidence)
