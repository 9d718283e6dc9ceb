"""One module per platform, each opening with its numbered procedure; `procedure_for` finds it by the evidence's tag."""

from __future__ import annotations

from typing import Final

from . import az_snp, az_tdx, dstack, gcp_snp, gcp_tdx, snp, tdx
from .context import Context, Procedure
from .unknown import UNKNOWN

_PROCEDURES: Final = {
    "snp": snp.PROCEDURE,
    "gcp-snp": gcp_snp.PROCEDURE,
    "az-snp": az_snp.PROCEDURE,
    "tdx": tdx.PROCEDURE,
    "gcp-tdx": gcp_tdx.PROCEDURE,
    "az-tdx": az_tdx.PROCEDURE,
    "dstack": dstack.PROCEDURE,
}


def procedure_for(platform: str) -> Procedure:
    """The steps that decide about evidence with this tag. An unknown tag gives a procedure of one step that fails."""
    return _PROCEDURES.get(platform, UNKNOWN)


def procedures() -> tuple[Procedure, ...]:
    """Every procedure, that of unknown tags among them."""
    return (*_PROCEDURES.values(), UNKNOWN)


__all__ = ["Context", "Procedure", "procedure_for", "procedures"]
