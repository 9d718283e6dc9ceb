"""AMD SEV-SNP with the tag `gcp-snp`: the procedure of `snp`, steps 1 to 11, under its own codes.

The tag is unsigned: it selects this path and proves nothing about Google's cloud, so the title does not name it.

Source: evidence facts, section 0.
"""

from __future__ import annotations

from typing import Final

from .context import Procedure
from .snp import steps_with_prefix

PROCEDURE: Final = Procedure("AMD SEV-SNP", steps_with_prefix("gcp-snp"))
