"""The verifier's modules as one script for each public page: a phone asks once, for a fourth of the bytes, instead of seventy times."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

from kettle_web.sharing.inlined import modules_inlined

ENTRIES: Final = {"page": "share/page.js", "card": "card.js"}
"""Paths below `static/js`, by the name in the script's address."""


@dataclass(frozen=True)
class Script:
    text: bytes
    sha256: str
    """Hex."""

    @property
    def digest(self) -> str:
        """What of it is in its address, so that it may be kept for ever."""
        return self.sha256[:16]


@cache
def script_made(name: str) -> Script:
    """The modules of an entry, each as it is but for its imports and exports. Raises `KeyError` for an unknown name."""
    text = modules_inlined(ENTRIES[name]).encode()
    return Script(text, hashlib.sha256(text).hexdigest())
