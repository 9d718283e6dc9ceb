"""Intel's collateral taken apart: TCB info, the quoting enclave's identity, two revocation lists, and the chains above them.

Only what our own checks need is read here; which firmware level a machine is at is dcap-qvl's to find.

Source: Intel, «API Documentation for Intel Trusted Services», get TCB info V4, get QE identity V4; evidence facts, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ..checks import Malformed
from ..collateral.bundle import IntelCollateral
from ..encoding import hex_decode, json_decode
from .certificate import Certificate
from .intel_crl import IntelCrl, intel_crl_parse
from .pck import intel_certificate_parse
from .pem import pem_chain_parse

SIGNATURE_BYTES: Final = 64
MAX_LEVELS: Final = 64
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Dated:
    """A signed text: its dates, its signature, and the chain of two that its signature leads to."""

    text: bytes
    signature: bytes
    issue_date: datetime
    next_update: datetime
    signer: Certificate
    root: Certificate


@dataclass(frozen=True)
class QeLevel:
    isvsvn: int
    status: str


@dataclass(frozen=True)
class QeIdentity:
    miscselect: bytes
    """4 bytes; masks and values as they stand in the enclave's report."""
    miscselect_mask: bytes
    attributes: bytes
    attributes_mask: bytes
    mrsigner: bytes
    isvprodid: int
    levels: tuple[QeLevel, ...]
    """In the order of the text: the first that is met counts."""


@dataclass(frozen=True)
class IntelLists:
    tcb_info: Dated
    fmspc: bytes
    pceid: bytes
    qe_identity: Dated
    qe: QeIdentity
    root_crl: IntelCrl
    pck_crl: IntelCrl
    pck_crl_signer: Certificate
    pck_crl_root: Certificate


def intel_lists_parse(collateral: IntelCollateral) -> IntelLists:
    """Everything in `collateral` taken apart. Raises `Malformed`."""
    tcb, identity = (json_decode(_ascii(text, what), what) for text, what in (
        (collateral.tcb_info, "Intel's TCB info"), (collateral.qe_identity, "The quoting enclave's identity"),
    ))  # fmt: skip
    _expect(tcb, "Intel's TCB info", id="TDX", version=3)
    _expect(identity, "The quoting enclave's identity", id="TD_QE", version=2)
    signer, root = _chain(collateral.pck_crl_issuer_chain, "The chain of the revocation list")
    return IntelLists(
        tcb_info=_dated(tcb, collateral.tcb_info, collateral.tcb_info_signature, collateral.tcb_info_issuer_chain, "Intel's TCB info"),
        fmspc=_hex(tcb, "fmspc", 6), pceid=_hex(tcb, "pceId", 2),
        qe_identity=_dated(
            identity, collateral.qe_identity, collateral.qe_identity_signature, collateral.qe_identity_issuer_chain,
            "The quoting enclave's identity",
        ),
        qe=_qe(identity), root_crl=intel_crl_parse(collateral.root_ca_crl, "The root's revocation list"),
        pck_crl=intel_crl_parse(collateral.pck_crl, "The chip keys' revocation list"), pck_crl_signer=signer, pck_crl_root=root,
    )  # fmt: skip


def _dated(value: dict[str, Any], text: str, signature: bytes, chain: str, what: str) -> Dated:
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("lists.signature", f"The signature of {what} does not have {SIGNATURE_BYTES} bytes.")
    signer, root = _chain(chain, f"The chain of {what}")
    return Dated(_ascii(text, what), signature, _time(value, "issueDate", what), _time(value, "nextUpdate", what), signer, root)


def _chain(text: str, what: str) -> tuple[Certificate, Certificate]:
    """Services end a chain with or without an empty line; nothing depends on it, so both are read."""
    found = pem_chain_parse(_ascii(text, what).rstrip(b"\n") + b"\n", what)
    if len(found) != 2:
        raise Malformed("lists.chain", f"{what} has {len(found)} certificates instead of two.")
    return intel_certificate_parse(found[0], f"{what}, first certificate"), intel_certificate_parse(found[1], f"{what}, root")


def _ascii(text: str, what: str) -> bytes:
    """The bytes as they were served. Text that came through JSON can hold what no encoding has (half a surrogate pair)."""
    if not text.isascii():
        raise Malformed("lists.not-ascii", f"{what} has characters outside ASCII.")
    return text.encode()


def _qe(value: dict[str, Any]) -> QeIdentity:
    levels = value.get("tcbLevels")
    if not isinstance(levels, list) or not 0 < len(levels) <= MAX_LEVELS:
        raise Malformed("lists.fields", "The quoting enclave's identity has no list of levels, or too long a one.")
    return QeIdentity(
        miscselect=_hex(value, "miscselect", 4), miscselect_mask=_hex(value, "miscselectMask", 4),
        attributes=_hex(value, "attributes", 16), attributes_mask=_hex(value, "attributesMask", 16), mrsigner=_hex(value, "mrsigner", 32),
        isvprodid=_number(value, "isvprodid"), levels=tuple(_qe_level(level) for level in levels),
    )  # fmt: skip


def _qe_level(value: object) -> QeLevel:
    tcb = value.get("tcb") if isinstance(value, dict) else None
    status = value.get("tcbStatus") if isinstance(value, dict) else None
    if not isinstance(tcb, dict) or not isinstance(status, str):
        raise Malformed("lists.fields", "A level of the quoting enclave's identity is not as specified.")
    return QeLevel(_number(tcb, "isvsvn"), status)


def _expect(value: object, what: str, **fields: str | int) -> None:
    if not isinstance(value, dict):
        raise Malformed("lists.fields", f"{what} is not an object.")
    for name, expected in fields.items():
        if type(value.get(name)) is not type(expected) or value[name] != expected:
            raise Malformed("lists.fields", f"{name} of {what} is not {expected}.")


def _hex(value: dict[str, Any], name: str, size: int) -> bytes:
    data = hex_decode(value.get(name), f"{name} of Intel's list")
    if len(data) != size:
        raise Malformed("lists.fields", f"{name} of Intel's list does not have {size} bytes.")
    return data


def _number(value: dict[str, Any], name: str) -> int:
    found = value.get(name)
    if type(found) is not int or not 0 <= found <= 0xFFFF:
        raise Malformed("lists.fields", f"{name} of Intel's list is not a number of 16 bits.")
    return found


def _time(value: dict[str, Any], name: str, what: str) -> datetime:
    try:
        return datetime.strptime(str(value.get(name)), _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed("lists.fields", f"{name} of {what} is not a time.") from error
