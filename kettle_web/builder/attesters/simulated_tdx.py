"""Simulated evidence of a TDX machine: a quote of version 4 with its chip key's chain."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from kettle_web.attestation.formats.tdx_quote import (
    CERTIFICATION_PEM,
    CERTIFICATION_QE,
    KEY_ECDSA_P256,
    QE_VENDOR_INTEL,
    TEE_TDX,
    QeReport,
    TdBody,
    TdxQuote,
    qe_report_encode,
    signed_encode,
    tdx_quote_encode,
)  # fmt: skip

from .test_root import ec_key, file_bytes

REPORT_DATA_BYTES: Final = 64
QE_AUTH_DATA: Final = bytes(range(32))


def _measured(what: str) -> bytes:
    return hashlib.sha384(f"Kettle Web simulated {what}".encode()).digest()


_BODY: Final = TdBody(
    tee_tcb_svn=bytes((5, 1, 3)) + bytes(13), mr_seam=_measured("TDX module"), mrsigner_seam=bytes(48), seam_attributes=bytes(8),
    td_attributes=(1 << 28).to_bytes(8, "little"), xfam=bytes.fromhex("e718060000000000"), mr_td=_measured("launch"),
    mr_config_id=bytes(48), mr_owner=bytes(48), mr_owner_config=bytes(48), rtmr0=_measured("RTMR 0"), rtmr1=_measured("RTMR 1"),
    rtmr2=_measured("RTMR 2"), rtmr3=bytes(48), report_data=bytes(REPORT_DATA_BYTES),
)  # fmt: skip
_QE: Final = QeReport(
    cpusvn=bytes(16), miscselect=0, reserved_020=bytes(28), attributes=bytes.fromhex("15000000000000000700000000000000"),
    mrenclave=hashlib.sha256(b"Kettle Web simulated quoting enclave").digest(), reserved_096=bytes(32),
    mrsigner=hashlib.sha256(b"Kettle Web simulated enclave signer").digest(), reserved_160=bytes(96), isvprodid=2, isvsvn=4,
    reserved_260=bytes(60), report_data=bytes(64),
)  # fmt: skip


def tdx_evidence(signed_data: bytes, measurement: bytes | None) -> dict[str, Any]:
    """The evidence object of platform `tdx`; shorter data is padded with zeros to 64 bytes. `measurement`: MRTD."""
    key = _point(ec_key("quoting"))
    vouched = hashlib.sha256(key + QE_AUTH_DATA).digest() + bytes(32)
    qe_report = qe_report_encode(replace(_QE, report_data=vouched))
    body = replace(_BODY, report_data=signed_data.ljust(REPORT_DATA_BYTES, b"\0"), mr_td=measurement or _BODY.mr_td)
    quote = TdxQuote(
        version=4, key_type=KEY_ECDSA_P256, tee_type=TEE_TDX, reserved_008=bytes(4), qe_vendor_id=QE_VENDOR_INTEL, user_data=bytes(20),
        body=body, signed=b"", signature=b"", attestation_key=key, certification_type=CERTIFICATION_QE, qe_report=qe_report,
        qe_signature=_sign("pck", qe_report), qe_auth_data=QE_AUTH_DATA, chain_type=CERTIFICATION_PEM,
        chain=file_bytes("pck.chain.pem") + b"\0",
    )  # fmt: skip
    signed = signed_encode(quote)
    made = tdx_quote_encode(replace(quote, signed=signed, signature=_sign("quoting", signed)))
    return {"quote": base64.b64encode(made).decode()}


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """X and Y, 32 bytes each."""
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def _sign(name: str, message: bytes) -> bytes:
    """R and S, 32 bytes each, big-endian."""
    r, s = decode_dss_signature(ec_key(name).sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
