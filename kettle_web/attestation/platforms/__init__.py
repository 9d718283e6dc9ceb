"""One module per platform, each opening with its numbered procedure; `procedure_for` finds it by the evidence's tag."""

from __future__ import annotations

from functools import cache
from typing import Final

from . import az_snp, gcp_snp, snp
from .context import Context, Procedure
from .unsupported import TITLES, UNKNOWN, known_procedure

_PROCEDURES: Final = {"snp": snp.PROCEDURE, "gcp-snp": gcp_snp.PROCEDURE, "az-snp": az_snp.PROCEDURE}


@cache
def _unsupported(platform: str) -> Procedure:
    return known_procedure(platform)


def procedure_for(platform: str) -> Procedure:
    """The steps that decide about evidence with this tag. An unknown tag gives a procedure of one step that fails."""
    if platform in _PROCEDURES:
        return _PROCEDURES[platform]
    return _unsupported(platform) if platform in TITLES else UNKNOWN


__all__ = ["Context", "Procedure", "procedure_for"]
