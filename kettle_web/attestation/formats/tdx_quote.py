"""The TDX quote, versions 4 and 5, and the quoting enclave's report inside it. Integers little-endian, keys and signatures big-endian.

Source: Intel, «TDX DCAP Quoting Library API», appendix 3 (quote format); evidence facts, section 5.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Final

from ..checks import Malformed
from ..values import value_filled

TEE_TDX: Final = 0x81
KEY_ECDSA_P256: Final = 2
QE_VENDOR_INTEL: Final = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
CERTIFICATION_QE: Final = 6
"""Certification data: the quoting enclave's report and what certifies it."""
CERTIFICATION_PEM: Final = 5
"""Certification data: the chip key's certificate chain as PEM."""
BODY_10: Final = 2
BODY_15: Final = 3
MIN_QUOTE_BYTES: Final = 764
MAX_QUOTE_BYTES: Final = 64 * 1024
"""Real quotes have 4,936 to 5,243."""
MIN_AUTH_BYTES: Final = 128
QE_REPORT_BYTES: Final = 384

_HEADER: Final = struct.Struct("<HHI4s16s20s")
_V5: Final = struct.Struct("<HI")
_BODY: Final = struct.Struct("<16s48s48s8s8s8s48s48s48s48s48s48s48s48s64s")
_BODY_TAIL: Final = struct.Struct("<16s48s")
_AUTH: Final = struct.Struct("<64s64sHI")
_QE: Final = struct.Struct("<384s64sH")
_CERTIFICATION: Final = struct.Struct("<HI")
_SIZE: Final = struct.Struct("<I")
_QE_REPORT: Final = struct.Struct("<16sI28s16s32s32s32s96sHH60s64s")
assert (_HEADER.size, _BODY.size, _BODY_TAIL.size, _QE_REPORT.size) == (48, 584, 64, QE_REPORT_BYTES)


@dataclass(frozen=True)
class TdBody:
    """What the TDX module says of itself and of the machine."""

    tee_tcb_svn: bytes
    mr_seam: bytes
    mrsigner_seam: bytes
    seam_attributes: bytes
    td_attributes: bytes
    """8 bytes, little-endian bits: 0 DEBUG, 28 SEPT_VE_DISABLE, 29 MIGRATABLE, 30 PKS, 31 KL, 63 PERFMON."""
    xfam: bytes
    mr_td: bytes
    mr_config_id: bytes
    mr_owner: bytes
    mr_owner_config: bytes
    rtmr0: bytes
    rtmr1: bytes
    rtmr2: bytes
    rtmr3: bytes
    report_data: bytes
    tee_tcb_svn2: bytes | None = None
    """16 bytes, with `mr_servicetd` in bodies of type 3 only."""
    mr_servicetd: bytes | None = None

    @property
    def rtmrs(self) -> tuple[bytes, bytes, bytes, bytes]:
        return self.rtmr0, self.rtmr1, self.rtmr2, self.rtmr3


@dataclass(frozen=True)
class QeReport:
    """The quoting enclave's SGX report, 384 bytes, signed by the chip key."""

    cpusvn: bytes
    miscselect: int
    reserved_020: bytes
    attributes: bytes
    """16 bytes; bit 1 of the first: DEBUG."""
    mrenclave: bytes
    reserved_096: bytes
    mrsigner: bytes
    reserved_160: bytes
    isvprodid: int
    isvsvn: int
    reserved_260: bytes
    report_data: bytes
    """SHA-256 of the attestation key and the authentication data, then 32 zero bytes."""


@dataclass(frozen=True)
class TdxQuote:
    version: int
    key_type: int
    tee_type: int
    reserved_008: bytes
    """4 bytes; the quoting and provisioning enclaves' version numbers in some readings, zero in all real quotes."""
    qe_vendor_id: bytes
    user_data: bytes
    body: TdBody
    signed: bytes
    """Header and body as they stand in the quote: what the attestation key signs."""
    signature: bytes
    """R and S, 32 bytes each."""
    attestation_key: bytes
    """X and Y, 32 bytes each."""
    certification_type: int
    qe_report: bytes
    """384 bytes: what the chip key signs."""
    qe_signature: bytes
    qe_auth_data: bytes
    chain_type: int
    chain: bytes
    """PEM: chip key, intermediate, root."""
    after_chain: bytes = b""
    """What is left of the quoting enclave's part; nothing in a genuine quote."""
    after_certification: bytes = b""
    """What is left of the authentication part; nothing in a genuine quote."""
    trailing: bytes = b""
    """What follows the quote; zeros in genuine ones."""


_BODY_NAMES: Final = tuple(field.name for field in fields(TdBody))
_QE_NAMES: Final = tuple(field.name for field in fields(QeReport))


def tdx_quote_parse(data: bytes) -> TdxQuote:
    """The quote in `data`. Raises `Malformed` when a size leads past its part, or version or body are of an unknown kind."""
    if not MIN_QUOTE_BYTES <= len(data) <= MAX_QUOTE_BYTES:
        raise Malformed("quote.length", f"The quote has {len(data)} bytes; {MIN_QUOTE_BYTES} to {MAX_QUOTE_BYTES} are read.")
    version, key_type, tee_type, reserved, vendor, user_data = _HEADER.unpack_from(data)
    start, tail = _body_place(data, version)
    end = start + _BODY.size + (_BODY_TAIL.size if tail else 0)
    body_fields = _BODY.unpack_from(data, start)
    body_fields += _BODY_TAIL.unpack_from(data, start + _BODY.size) if tail else (None, None)
    (auth_size,) = _SIZE.unpack(_part(data, end, _SIZE.size))
    auth = _part(data, end + 4, auth_size)
    if auth_size < max(MIN_AUTH_BYTES, _AUTH.size):
        raise Malformed("quote.truncated", "The quote's authentication part is too short.")
    signature, key, certification_type, certification_size = _AUTH.unpack_from(auth)
    certification = _part(auth, _AUTH.size, certification_size)
    qe_report, qe_signature, qe_auth_size = _QE.unpack(_part(certification, 0, _QE.size))
    qe_auth_data = _part(certification, _QE.size, qe_auth_size)
    at = _QE.size + qe_auth_size
    chain_type, chain_size = _CERTIFICATION.unpack(_part(certification, at, _CERTIFICATION.size))
    at += _CERTIFICATION.size
    values = dict(  # noqa: C408
        version=version, key_type=key_type, tee_type=tee_type, reserved_008=reserved, qe_vendor_id=vendor, user_data=user_data,
        body=value_filled(TdBody, dict(zip(_BODY_NAMES, body_fields, strict=True))), signed=data[:end],
        signature=signature, attestation_key=key,
        certification_type=certification_type, qe_report=qe_report, qe_signature=qe_signature, qe_auth_data=qe_auth_data,
        chain_type=chain_type, chain=_part(certification, at, chain_size), after_chain=certification[at + chain_size :],
        after_certification=auth[_AUTH.size + certification_size :], trailing=data[end + 4 + auth_size :],
    )  # fmt: skip
    return value_filled(TdxQuote, values)


def signed_encode(quote: TdxQuote) -> bytes:
    """Header and body of the quote, made of its fields."""
    header = _HEADER.pack(quote.version, quote.key_type, quote.tee_type, quote.reserved_008, quote.qe_vendor_id, quote.user_data)
    values = [value for value in (getattr(quote.body, name) for name in _BODY_NAMES) if value is not None]
    body = b"".join(values)
    if quote.version == 5:
        header += _V5.pack(BODY_15 if quote.body.tee_tcb_svn2 is not None else BODY_10, len(body))
    return header + body


def tdx_quote_encode(quote: TdxQuote) -> bytes:
    """The bytes of the quote: `signed` as it stands, the rest of the fields; sizes are those of the parts."""
    certification = (
        _QE.pack(quote.qe_report, quote.qe_signature, len(quote.qe_auth_data)) + quote.qe_auth_data
        + _CERTIFICATION.pack(quote.chain_type, len(quote.chain)) + quote.chain + quote.after_chain
    )  # fmt: skip
    auth = _AUTH.pack(quote.signature, quote.attestation_key, quote.certification_type, len(certification)) + certification
    auth += quote.after_certification
    return quote.signed + _SIZE.pack(len(auth)) + auth + quote.trailing


def qe_report_parse(data: bytes) -> QeReport:
    """The 384 bytes of the quoting enclave's report."""
    if len(data) != QE_REPORT_BYTES:
        raise Malformed("qe.length", "The quoting enclave's report does not have 384 bytes.")
    return value_filled(QeReport, dict(zip(_QE_NAMES, _QE_REPORT.unpack(data), strict=True)))


def qe_report_encode(report: QeReport) -> bytes:
    """The 384 bytes of the report."""
    return _QE_REPORT.pack(*(getattr(report, name) for name in _QE_NAMES))


def _body_place(data: bytes, version: int) -> tuple[int, bool]:
    """Where the body begins, and whether it has the later tail."""
    if version == 4:
        return _HEADER.size, False
    if version != 5:
        raise Malformed("quote.version", f"The quote is of version {version}; 4 and 5 are known.")
    kind, size = _V5.unpack_from(data, _HEADER.size)
    expected = {BODY_10: _BODY.size, BODY_15: _BODY.size + _BODY_TAIL.size}.get(kind)
    if expected is None or size != expected:
        raise Malformed("quote.body", "The quote's body is of an unknown type, or its size is not that of its type.")
    return _HEADER.size + _V5.size, kind == BODY_15


def _part(data: bytes, start: int, size: int) -> bytes:
    if start + size > len(data):
        raise Malformed("quote.truncated", "A part of the quote is shorter than it says.")
    return data[start : start + size]
