"""Collateral as frozen values and as JSON, `collateral_to_json` and `collateral_from_json` being inverses.

The JSON has Intel's nine fields at its top, as dcap-qvl writes them (three PEM chains, two signed JSON texts exactly as served, and as
lower-case hex two signatures and two lists), all or none of them; and beside them `amd`, which may be missing:
`{"crls": {"milan": {"der": hex, "fetched_at": time}}, "veks": [{"chip_id": hex, "tcb": hex, "der": hex}]}`.
A bundle is itself a source: what a file holds, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from ..checks import Malformed
from ..encoding import hex_decode, json_decode
from ..formats.tcb import GENERATIONS
from .errors import CollateralMissing

MAX_COLLATERAL_BYTES: Final = 4 * 1024 * 1024
"""Of a file. Real ones have some 20 kB; lists grow with each revoked chip."""
MAX_LISTED: Final = 64
"""Chip keys in one file; one bundle needs one."""
_BINARY: Final = frozenset({"root_ca_crl", "pck_crl", "tcb_info_signature", "qe_identity_signature"})


@dataclass(frozen=True)
class IntelCollateral:
    """For one family of machines. Nothing in it is verified."""

    pck_crl_issuer_chain: str
    """PEM: the CA that issued the chip key (it signed `pck_crl`), then the root."""
    root_ca_crl: bytes
    """DER."""
    pck_crl: bytes
    """DER."""
    tcb_info_issuer_chain: str
    """PEM: the TCB signing certificate, then the root."""
    tcb_info: str
    """JSON exactly as served: the signature is over these bytes."""
    tcb_info_signature: bytes
    """R and S, 32 bytes each, big-endian."""
    qe_identity_issuer_chain: str
    qe_identity: str
    qe_identity_signature: bytes


@dataclass(frozen=True)
class AmdCrl:
    der: bytes
    fetched_at: datetime | None = None
    """None: not on record."""


@dataclass(frozen=True)
class AmdVek:
    chip_id: bytes
    """64 bytes."""
    tcb: bytes
    """8 bytes, TCB_VERSION as in the report."""
    der: bytes


@dataclass(frozen=True)
class AmdCollateral:
    crls: dict[str, AmdCrl] = field(default_factory=dict)
    """By generation."""
    veks: tuple[AmdVek, ...] = ()


@dataclass(frozen=True)
class Collateral:
    """Everything that one verification needs or used."""

    intel: IntelCollateral | None = None
    amd: AmdCollateral | None = None

    def intel_for(self, fmspc: bytes, ca: str) -> IntelCollateral:
        if self.intel is None:
            raise CollateralMissing("collateral.none", "The collateral that was given holds none of Intel's.")
        return self.intel

    def amd_crl_for(self, generation: str) -> AmdCrl:
        found = self.amd.crls.get(generation) if self.amd else None
        if found is None:
            raise CollateralMissing("collateral.none", f"The collateral that was given holds no revocation list of {generation.title()}.")
        return found

    def amd_vek_for(self, generation: str, chip_id: bytes, tcb: bytes) -> AmdVek:
        for vek in self.amd.veks if self.amd else ():
            if (vek.chip_id, vek.tcb) == (chip_id, tcb):
                return vek
        raise CollateralMissing("collateral.none", "The collateral that was given holds no certificate of this chip key.")


def collateral_parse(data: bytes) -> Collateral:
    """The collateral in a JSON file. Raises `Malformed`."""
    if len(data) > MAX_COLLATERAL_BYTES:
        raise Malformed("collateral.too-large", f"The collateral has more than {MAX_COLLATERAL_BYTES} bytes.")
    return collateral_from_json(json_decode(data, "The collateral"))


def collateral_to_json(collateral: Collateral) -> dict[str, Any]:
    """JSON values only."""
    value: dict[str, Any] = {}
    if collateral.intel is not None:
        for name in _INTEL_NAMES:
            found = getattr(collateral.intel, name)
            value[name] = found.hex() if isinstance(found, bytes) else found
    if collateral.amd is not None:
        value["amd"] = {
            "crls": {
                generation: {"der": crl.der.hex(), "fetched_at": crl.fetched_at.isoformat() if crl.fetched_at else None}
                for generation, crl in collateral.amd.crls.items()
            },
            "veks": [{"chip_id": vek.chip_id.hex(), "tcb": vek.tcb.hex(), "der": vek.der.hex()} for vek in collateral.amd.veks],
        }
    return value


def collateral_from_json(value: object) -> Collateral:
    """The collateral that `collateral_to_json` wrote. Unknown and missing fields are refused: raises `Malformed`."""
    found = _object(value, "The collateral")
    names = found.keys() - {"amd"}
    if names and names != set(_INTEL_NAMES):
        raise Malformed("collateral.fields", "The collateral has other fields than Intel's nine and `amd`.")
    intel = IntelCollateral(**{name: _intel_field(name, found[name]) for name in _INTEL_NAMES}) if names else None
    amd = _amd(found["amd"]) if found.get("amd") is not None else None
    if intel is None and amd is None:
        raise Malformed("collateral.empty", "The collateral is empty.")
    return Collateral(intel, amd)


_INTEL_NAMES: Final = tuple(one.name for one in fields(IntelCollateral))


def _intel_field(name: str, value: object) -> Any:
    if name in _BINARY:
        return hex_decode(value, f"{name} of the collateral")
    if not isinstance(value, str):
        raise Malformed("collateral.fields", f"{name} of the collateral is not text.")
    return value


def _amd(value: object) -> AmdCollateral:
    found = _object(value, "amd of the collateral", {"crls", "veks"})
    lists = _object(found.get("crls", {}), "amd.crls of the collateral")
    if not lists.keys() <= set(GENERATIONS):
        raise Malformed("collateral.fields", "amd.crls of the collateral names an unknown generation.")
    veks = found.get("veks", [])
    if not isinstance(veks, list) or len(veks) > MAX_LISTED:
        raise Malformed("collateral.fields", f"amd.veks of the collateral is not a list of at most {MAX_LISTED}.")
    return AmdCollateral({generation: _amd_crl(item) for generation, item in lists.items()}, tuple(_amd_vek(item) for item in veks))


def _amd_crl(value: object) -> AmdCrl:
    found = _object(value, "A revocation list of the collateral", {"der", "fetched_at"})
    der = hex_decode(found.get("der"), "A revocation list of the collateral")
    text = found.get("fetched_at")
    if text is None:
        return AmdCrl(der)
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise Malformed("collateral.time", "fetched_at of a revocation list is not a time.") from error
    if moment.tzinfo is None:
        raise Malformed("collateral.time", "fetched_at of a revocation list has no time zone.")
    return AmdCrl(der, moment)


def _amd_vek(value: object) -> AmdVek:
    found = _object(value, "A chip key of the collateral", {"chip_id", "tcb", "der"})
    chip_id, tcb, der = (hex_decode(found.get(name), f"{name} of a chip key") for name in ("chip_id", "tcb", "der"))
    if (len(chip_id), len(tcb)) != (64, 8):
        raise Malformed("collateral.fields", "A chip key of the collateral has a chip id or a firmware level of the wrong length.")
    return AmdVek(chip_id, tcb, der)


def _object(value: object, what: str, known: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict) or (known is not None and not value.keys() <= known):
        raise Malformed("collateral.fields", f"{what} is not an object of known fields.")
    return value
