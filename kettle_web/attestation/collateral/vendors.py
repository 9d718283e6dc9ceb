"""All vendors' services as one source."""

from __future__ import annotations

from dataclasses import dataclass

from .bundle import AmdCrl, AmdVek, IntelCollateral
from .protocols import CollateralSource


@dataclass(frozen=True)
class VendorServices:
    """A `CollateralSource` that asks each vendor for its own."""

    amd: CollateralSource
    intel: CollateralSource

    def intel_for(self, fmspc: bytes, ca: str) -> IntelCollateral:
        return self.intel.intel_for(fmspc, ca)

    def amd_crl_for(self, generation: str) -> AmdCrl:
        return self.amd.amd_crl_for(generation)

    def amd_vek_for(self, generation: str, chip_id: bytes, tcb: bytes) -> AmdVek:
        return self.amd.amd_vek_for(generation, chip_id, tcb)
