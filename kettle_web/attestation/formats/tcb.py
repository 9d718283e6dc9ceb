"""TCB versions: which firmware a chip ran, component by component.

Source: AMD document 56860 (SEV-SNP firmware ABI), table «TCB_VERSION»; evidence facts, section 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from ..checks import Malformed

MILAN: Final = "milan"
GENOA: Final = "genoa"
TURIN: Final = "turin"
GENERATIONS: Final = (MILAN, GENOA, TURIN)


@dataclass(frozen=True)
class Tcb:
    """Security patch levels, 8 bits each."""

    bootloader: int
    tee: int
    snp: int
    microcode: int
    fmc: int | None
    """Turin's; None: the generation has no such component."""
    reserved: bytes
    """3 bytes (Turin) or 4 (Milan, Genoa) that must be zero."""

    def components(self) -> dict[str, int]:
        """Level by component name, without those that the generation lacks."""
        levels = {"bootloader": self.bootloader, "tee": self.tee, "snp": self.snp, "microcode": self.microcode}
        return levels if self.fmc is None else levels | {"fmc": self.fmc}

    def at_least(self, other: Tcb) -> bool:
        """Every component has at least the other's level."""
        if self == other:
            return True
        mine, others = self.components(), other.components()
        return mine.keys() == others.keys() and all(mine[name] >= level for name, level in others.items())

    @cached_property
    def text(self) -> str:
        return ", ".join(f"{name} {level}" for name, level in self.components().items())


@lru_cache(maxsize=256)
def tcb_parse(raw: bytes, *, turin: bool) -> Tcb:
    """The 8 bytes of a TCB_VERSION in Turin's layout or in that of Milan and Genoa."""
    if len(raw) != 8:
        raise Malformed("tcb.length", "A TCB version does not have 8 bytes.")
    if turin:
        return Tcb(fmc=raw[0], bootloader=raw[1], tee=raw[2], snp=raw[3], microcode=raw[7], reserved=raw[4:7])
    return Tcb(fmc=None, bootloader=raw[0], tee=raw[1], snp=raw[6], microcode=raw[7], reserved=raw[2:6])


def tcb_encode(tcb: Tcb) -> bytes:
    """The 8 bytes of a TCB_VERSION."""
    if tcb.fmc is not None:
        return bytes((tcb.fmc, tcb.bootloader, tcb.tee, tcb.snp)) + tcb.reserved + bytes((tcb.microcode,))
    return bytes((tcb.bootloader, tcb.tee)) + tcb.reserved + bytes((tcb.snp, tcb.microcode))
