"""How a step asks for collateral, and what it hears when there is none.

A procedure's `Context` carries a source. A step asks it, judges what it got, and keeps it with `Context.collateral_keep`, so that the
report can be made again from the same bytes. What steps make of it, the same for every vendor:

- there is none: `CollateralMissing` passes through the step; the row says «could not check» and why;
- its signature does not hold, or it is not what its format demands: the row fails, because somebody made that up;
- it is out of its dates at `Context.now`: `CheckImpossible`, as if it were not there. What it does say still counts:
  a certificate on an old list is revoked.

Such steps have `required=False` and `rests_on_collateral=True`: who demands collateral makes them required.
"""

from __future__ import annotations

from typing import Protocol

from .bundle import AmdCrl, AmdVek, IntelCollateral
from .errors import CollateralMissing


class CollateralSource(Protocol):
    """Gets collateral; verifies none of it. Every method raises `CollateralMissing`, and nothing else."""

    def intel_for(self, fmspc: bytes, ca: str) -> IntelCollateral:
        """For a TDX machine of this family (6 bytes) whose chip key was issued by the ``platform`` or the ``processor`` CA."""

    def amd_crl_for(self, generation: str) -> AmdCrl:
        """The revocation list of a generation's root (``milan``, ``genoa``, ``turin``)."""

    def amd_vek_for(self, generation: str, chip_id: bytes, tcb: bytes) -> AmdVek:
        """The VCEK of a chip (64 bytes) at a firmware level (TCB_VERSION, 8 bytes as in the report)."""


__all__ = ["CollateralMissing", "CollateralSource"]
