"""Intel TDX with dstack (`dstack`): the procedure of `tdx`, steps 1 to 9 and 11, with fields of its own.

1. `evidence`: `quote` is hexadecimal when it is long enough and looks like it, base64 otherwise. `event_log` and `vm_config` are texts
   that nothing signs: they are not read, and what they say is never shown.

Source: evidence facts, section 0.
"""

from __future__ import annotations

import re
from typing import Final

from ..checks import Malformed, Passed
from ..encoding import base64_decode, hex_decode
from .context import Context, Procedure
from .tdx import steps_with_prefix

_MIN_HEX_CHARACTERS: Final = 1264
"""Of header and body of a quote of version 4; the reference verifier's rule for telling the two encodings apart."""
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")
_TEXTS: Final = ("event_log", "vm_config")


def evidence(context: Context) -> Passed:
    found = context.evidence
    for name in _TEXTS:
        if not isinstance(found.get(name, ""), str | None):
            raise Malformed("evidence.not-text", f"{name} is not text.")
    text = found.get("quote")
    is_hex = isinstance(text, str) and len(text) >= _MIN_HEX_CHARACTERS and _HEX.fullmatch(text) is not None
    context.td_quote_bytes = hex_decode(text, "quote") if is_hex else base64_decode(text, "quote")
    return Passed(actual=f"quote of {len(context.td_quote_bytes)} bytes")


PROCEDURE: Final = Procedure("Intel TDX with dstack", steps_with_prefix("dstack", evidence, has_event_log=False))
