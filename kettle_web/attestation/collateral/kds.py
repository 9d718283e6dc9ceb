"""AMD's key distribution service (KDS): chip keys and revocation lists, fetched, kept and not judged.

A chip key's certificate never changes for a chip and a firmware level, so it is kept for ever; a list until its next update.
One list per generation is enough for chip keys of both kinds: it is the root's complete list (one with a critical extension, which might
cover less, is refused), so the list at the VLEK's address can name nothing that the VCEK's does not.
Intel's collateral comes from elsewhere.

Source: AMD document 57230 (VCEK certificate and KDS interface), chapter 4. Never tried against the service itself; Turin's address form
in particular (eight bytes of chip id, `fmcSPL`) follows the document alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ..checks import Malformed
from ..formats.certificate import MAX_CERTIFICATE_BYTES
from ..formats.crl import MAX_CRL_BYTES, crl_parse
from ..formats.tcb import GENOA, MILAN, TURIN, tcb_parse
from ..formats.vek import VCEK, VLEK, vek_parse
from .bundle import AmdCrl, AmdVek, IntelCollateral
from .errors import CollateralMissing
from .fetch import Answer, Fetcher

KDS: Final = "https://kdsintf.amd.com"
PRODUCTS: Final = {MILAN: "Milan", GENOA: "Genoa", TURIN: "Turin"}
LIST_AT_LEAST: Final = timedelta(hours=1)
"""How long a list is kept that is already past its next update, so that it is not asked for with every look."""
TURIN_CHIP_ID_BYTES: Final = 8


def crl_address(base: str, generation: str, kind: str = VCEK) -> str:
    """Where the revocation list is."""
    return f"{base}/{_kind(kind)}/v1/{PRODUCTS[generation]}/crl"


def cert_chain_address(base: str, generation: str, kind: str = VCEK) -> str:
    """Where intermediate and root are, in PEM: ASK and ARK, or ASVK and ARK."""
    return f"{base}/{_kind(kind)}/v1/{PRODUCTS[generation]}/cert_chain"


def vcek_address(base: str, generation: str, chip_id: bytes, tcb: bytes) -> str:
    """Where the VCEK of a chip (64 bytes) at a level (TCB_VERSION, 8 bytes) is. There is none for VLEKs: providers hand those out."""
    turin = generation == TURIN
    levels = tcb_parse(tcb, turin=turin)
    named = {"fmcSPL": levels.fmc} if turin else {}
    named |= {"blSPL": levels.bootloader, "teeSPL": levels.tee, "snpSPL": levels.snp, "ucodeSPL": levels.microcode}
    query = "&".join(f"{name}={level:02d}" for name, level in named.items())
    return f"{base}/vcek/v1/{PRODUCTS[generation]}/{(chip_id[:TURIN_CHIP_ID_BYTES] if turin else chip_id).hex()}?{query}"


def _kind(kind: str) -> str:
    if kind not in (VCEK, VLEK):
        raise ValueError(f"{kind!r} is no kind of chip key")
    return kind


class AmdKds:
    """A `CollateralSource` that asks AMD's service, or a mirror at `base`, through a `Fetcher`."""

    def __init__(self, fetcher: Fetcher, *, base: str = KDS) -> None:
        self._fetcher = fetcher
        self._base = base.rstrip("/")

    def intel_for(self, fmspc: bytes, ca: str) -> IntelCollateral:
        raise CollateralMissing("collateral.none", "AMD's service has no collateral of Intel's.")

    def amd_crl_for(self, generation: str) -> AmdCrl:
        if generation not in PRODUCTS:
            raise CollateralMissing("collateral.generation", "AMD's service has no such processors.")

        def until(answer: Answer) -> datetime:
            return max(crl_parse(answer.body).next_update, self._fetcher.now() + LIST_AT_LEAST)

        try:
            kept = self._fetcher.get(f"amd/crl/{generation}", crl_address(self._base, generation), max_bytes=MAX_CRL_BYTES, until=until)
        except Malformed as error:
            raise CollateralMissing(error.code, f"AMD's service gave something that is no revocation list: {error}", retry=True) from error
        return AmdCrl(kept.data, kept.fetched_at)

    def amd_vek_for(self, generation: str, chip_id: bytes, tcb: bytes) -> AmdVek:
        if generation not in PRODUCTS or len(chip_id) != 64 or len(tcb) != 8:
            raise CollateralMissing("collateral.generation", "AMD's service cannot be asked for such a chip.")

        def until(answer: Answer) -> None:
            vek_parse(answer.body)

        address = vcek_address(self._base, generation, chip_id, tcb)
        try:
            kept = self._fetcher.get(
                f"amd/vcek/{generation}/{chip_id.hex()}/{tcb.hex()}", address, max_bytes=MAX_CERTIFICATE_BYTES, until=until
            )
        except Malformed as error:
            raise CollateralMissing(error.code, f"AMD's service gave something that is no chip key: {error}", retry=True) from error
        return AmdVek(chip_id, tcb, kept.data)
