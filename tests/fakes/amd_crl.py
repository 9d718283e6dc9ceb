"""A fake AMD's revocation lists, every field open to an override."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kettle_web.attestation.collateral import AmdCollateral, AmdCrl, AmdVek, Collateral
from kettle_web.attestation.formats import der
from kettle_web.attestation.formats.certificate import PSS_SHA384
from tests.fakes import amd

THIS_UPDATE = datetime(2026, 5, 1, tzinfo=UTC)
NEXT_UPDATE = datetime(2026, 7, 1, tzinfo=UTC)
REVOKED_AT = datetime(2026, 3, 1, tzinfo=UTC)
CRL_NUMBER = der.encode(der.SEQUENCE, der.oid_encode("2.5.29.20"), der.encode(der.OCTET_STRING, der.integer_encode(7)))
CRITICAL = der.encode(
    der.SEQUENCE, der.oid_encode("2.5.29.28"), bytes.fromhex("0101ff"), der.encode(der.OCTET_STRING, der.encode(der.SEQUENCE))
)
"""issuingDistributionPoint: the list covers only a part."""


def crl_mint(
    authority: amd.Authority,
    *serials: int,
    key: Any = None,
    issuer: bytes | None = None,
    this_update: datetime = THIS_UPDATE,
    next_update: datetime | None = NEXT_UPDATE,
    extensions: tuple[bytes, ...] = (CRL_NUMBER,),
    entry_extensions: tuple[bytes, ...] = (),
    version: bytes = der.integer_encode(1),
    algorithm: bytes = PSS_SHA384,
    inner_algorithm: bytes | None = None,
) -> bytes:
    """A list (DER) signed by the authority's root that names certificates by serial number."""
    in_entry = der.encode(der.SEQUENCE, *entry_extensions) if entry_extensions else b""
    entries = [der.encode(der.SEQUENCE, der.integer_encode(serial), der.time_encode(REVOKED_AT), in_entry) for serial in serials]
    tbs = der.encode(
        der.SEQUENCE, version, inner_algorithm or algorithm, issuer or authority.anchors[0].subject, der.time_encode(this_update),
        der.time_encode(next_update) if next_update else b"", der.encode(der.SEQUENCE, *entries) if entries else b"",
        der.encode(0xA0, der.encode(der.SEQUENCE, *extensions)) if extensions else b"",
    )  # fmt: skip
    signature = amd.pss_sign(key or authority.ark_key, tbs)
    return der.encode(der.SEQUENCE, tbs, algorithm, der.encode(der.BIT_STRING, b"\0", signature))


def crl_collateral(der_bytes: bytes, generation: str = "milan") -> Collateral:
    return Collateral(amd=AmdCollateral({generation: AmdCrl(der_bytes)}))


def vek_collateral(der_bytes: bytes, chip_id: bytes, tcb: bytes) -> Collateral:
    return Collateral(amd=AmdCollateral(veks=(AmdVek(chip_id, tcb, der_bytes),)))
