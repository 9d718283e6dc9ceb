"""A fake Intel's collateral: TCB info, identity of the quoting enclave, revocation lists, every field open to an override."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from kettle_web.attestation.collateral import IntelCollateral
from kettle_web.attestation.formats import der
from kettle_web.attestation.formats.certificate import ECDSA_SHA256
from kettle_web.attestation.formats.pem import pem_chain_encode

from . import amd, intel

ISSUED = datetime(2026, 5, 20, tzinfo=UTC)
UNTIL = datetime(2026, 6, 20, tzinfo=UTC)


def time_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def level(status: str = "UpToDate", *, svn: int = 2, tdx: int = 0, pcesvn: int = 13, advisories: tuple[str, ...] = ()) -> dict[str, Any]:
    """A level of the TCB info, all of whose components are alike."""
    tcb = {"sgxtcbcomponents": [{"svn": svn}] * 16, "pcesvn": pcesvn, "tdxtcbcomponents": [{"svn": tdx}] * 16}
    return {"tcb": tcb, "tcbDate": "2026-01-01T00:00:00Z", "tcbStatus": status, "advisoryIDs": list(advisories)}


def tcb_info(**overrides: Any) -> str:
    module = {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}
    module_level = {"tcb": {"isvsvn": 4}, "tcbDate": "2026-01-01T00:00:00Z", "tcbStatus": "UpToDate"}
    value = {
        "id": "TDX", "version": 3, "issueDate": time_text(ISSUED), "nextUpdate": time_text(UNTIL), "fmspc": intel.FMSPC.hex(),
        "pceId": "0000", "tcbType": 0, "tcbEvaluationDataNumber": 18, "tdxModule": module,
        "tdxModuleIdentities": [{"id": "TDX_01", **module, "tcbLevels": [module_level]}], "tcbLevels": [level()],
    }  # fmt: skip
    return json.dumps(value | overrides, separators=(",", ":"))


def qe_level(status: str = "UpToDate", isvsvn: int = 4) -> dict[str, Any]:
    return {"tcb": {"isvsvn": isvsvn}, "tcbDate": "2026-01-01T00:00:00Z", "tcbStatus": status}


def qe_identity(**overrides: Any) -> str:
    value = {
        "id": "TD_QE", "version": 2, "issueDate": time_text(ISSUED), "nextUpdate": time_text(UNTIL), "tcbEvaluationDataNumber": 18,
        "miscselect": "00000000", "miscselectMask": "FFFFFFFF", "attributes": "11000000000000000000000000000000",
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000", "mrsigner": intel.QE_MRSIGNER.hex().upper(), "isvprodid": 2,
        "tcbLevels": [qe_level()],
    }  # fmt: skip
    return json.dumps(value | overrides, separators=(",", ":"))


def crl_mint(
    signer: intel.EcKey, issuer: bytes, *, serials: tuple[int, ...] = (), this_update: datetime = ISSUED, next_update: datetime = UNTIL,
    version: int = 1, algorithm: bytes = ECDSA_SHA256, critical: bool = False,
) -> bytes:  # fmt: skip
    """A revocation list (DER)."""
    reason = der.encode(
        der.SEQUENCE,
        der.encode(der.SEQUENCE, der.oid_encode("2.5.29.21"), der.encode(der.OCTET_STRING, bytes.fromhex("0a0101"))),
    )
    entries = [der.encode(der.SEQUENCE, der.integer_encode(serial), der.time_encode(ISSUED), reason) for serial in serials]
    flag = bytes.fromhex("0101ff") if critical else b""
    number = der.encode(der.SEQUENCE, der.oid_encode("2.5.29.20"), flag, der.encode(der.OCTET_STRING, der.integer_encode(1)))
    key_identifier = der.encode(
        der.SEQUENCE, der.oid_encode("2.5.29.35"), der.encode(der.OCTET_STRING, der.encode(der.SEQUENCE, der.encode(0x80, bytes(20))))
    )
    tbs = der.encode(
        der.SEQUENCE, der.integer_encode(version), algorithm, issuer, der.time_encode(this_update), der.time_encode(next_update),
        *((der.encode(der.SEQUENCE, *entries),) if entries else ()), der.encode(0xA0, der.encode(der.SEQUENCE, number, key_identifier)),
    )  # fmt: skip
    signature = signer.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return der.encode(der.SEQUENCE, tbs, algorithm, der.encode(der.BIT_STRING, b"\0", signature))


def signer_mint(authority: intel.Authority, signer: intel.EcKey | None = None, **overrides: Any) -> bytes:
    """The certificate of Intel's signer of lists."""
    arguments: dict[str, Any] = {
        "subject": intel.name_encode("Intel SGX TCB Signing"), "issuer": authority.anchor.subject, "serial": 0x4001,
        "spki": amd.spki_encode(intel.key("tcb-signer").public_key()), "extensions": intel.constraints(authority=False),
    } | overrides  # fmt: skip
    return intel.certificate_mint(signer or intel.key("root"), **arguments)


def collateral_mint(
    authority: intel.Authority,
    *,
    tcb: dict[str, Any] | None = None,
    identity: dict[str, Any] | None = None,
    signer: dict[str, Any] | None = None,
    pck_crl: dict[str, Any] | None = None,
    root_crl: dict[str, Any] | None = None,
    **late: Any,
) -> IntelCollateral:
    """Collateral that fits the fake quotes. `late` overrides fields after they were signed."""
    tcb_text, identity_text = tcb_info(**(tcb or {})), qe_identity(**(identity or {}))
    chain = pem_chain_encode((signer_mint(authority, **(signer or {})), authority.root)).decode()
    issuers = {"signer": intel.key("intermediate"), "issuer": intel.name_encode(intel.PLATFORM_CA)}
    roots = {"signer": intel.key("root"), "issuer": authority.anchor.subject}
    return replace(
        IntelCollateral(
            pck_crl_issuer_chain=pem_chain_encode((authority.intermediate_mint(), authority.root)).decode(),
            root_ca_crl=crl_mint(**(roots | (root_crl or {}))),
            pck_crl=crl_mint(**(issuers | (pck_crl or {}))),
            tcb_info_issuer_chain=chain,
            tcb_info=tcb_text,
            tcb_info_signature=intel.sign(intel.key("tcb-signer"), tcb_text.encode()),
            qe_identity_issuer_chain=chain,
            qe_identity=identity_text,
            qe_identity_signature=intel.sign(intel.key("tcb-signer"), identity_text.encode()),
        ),
        **late,
    )
