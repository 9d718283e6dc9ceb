"""Intel TDX with the tag `gcp-tdx`: the procedure of `tdx`, steps 1 to 11, under its own codes.

The tag is unsigned: it selects this path and proves nothing about Google's cloud, so the title does not name it.

Source: evidence facts, section 0.
"""

from __future__ import annotations

from typing import Final

from .context import Procedure
from .tdx import steps_with_prefix

PROCEDURE: Final = Procedure("Intel TDX", steps_with_prefix("gcp-tdx"))
