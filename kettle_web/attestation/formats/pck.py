"""Intel's certificates: the provisioning certification key (PCK), what Intel put into it, and the authorities above it.

Source: Intel, «SGX PCK Certificate and CRL Profile Specification», sections 1.3 and 1.4; evidence facts, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ..checks import Malformed
from . import der
from .certificate import ECDSA_SHA256, Certificate, certificate_parse
from .pem import pem_chain_parse

PLATFORM: Final = "platform"
PROCESSOR: Final = "processor"
CA_NAMES: Final = {"Intel SGX PCK Platform CA": PLATFORM, "Intel SGX PCK Processor CA": PROCESSOR}
"""Common name of the issuer of a PCK certificate → which of the two it is."""

_SGX: Final = "1.2.840.113741.1.13.1"
OID_SGX: Final = der.oid_encode(_SGX)
OID_BASIC_CONSTRAINTS: Final = der.oid_encode("2.5.29.19")
OID_KEY_USAGE: Final = der.oid_encode("2.5.29.15")
_KNOWN_CRITICAL: Final = (OID_BASIC_CONSTRAINTS, OID_KEY_USAGE)
_OID_PPID, _OID_TCB, _OID_PCEID, _OID_FMSPC, _OID_TYPE, _OID_INSTANCE, _OID_CONFIGURATION = (
    der.oid_encode(f"{_SGX}.{arc}") for arc in range(1, 8)
)
_OIDS_TCB: Final = tuple(der.oid_encode(f"{_SGX}.2.{arc}") for arc in range(1, 19))
_OIDS_FLAGS: Final = {der.oid_encode(f"{_SGX}.7.{arc}"): name for arc, name in ((1, "dynamic_platform"), (2, "cached_keys"), (3, "smt"))}
_COMPONENTS: Final = 16
_WHAT: Final = "Intel's extension of the chip key's certificate"
_ENUMERATED: Final = 0x0A


@dataclass(frozen=True)
class Pck:
    certificate: Certificate
    ppid: bytes
    """16 bytes: names the chip."""
    tcb_components: tuple[int, ...]
    """16 security version numbers, 8 bits each, of the processor's parts."""
    pcesvn: int
    cpusvn: bytes
    """16 bytes."""
    pceid: bytes
    """2 bytes."""
    fmspc: bytes
    """6 bytes: family of machines that share their firmware levels."""
    sgx_type: int
    """0 standard, 1 scalable, 2 scalable with integrity."""
    platform_instance_id: bytes | None
    """16 bytes; None: the Processor CA's certificates have none."""
    flags: dict[str, bool]
    """``dynamic_platform``, ``cached_keys``, ``smt``; what is missing was not said."""


@dataclass(frozen=True)
class PckChain:
    """The chain that a quote brings."""

    pck: Pck
    intermediate: Certificate
    intermediate_is_authority: bool
    root: Certificate

    @property
    def ca(self) -> str:
        """`PLATFORM` or `PROCESSOR`; empty: the issuer is neither."""
        return CA_NAMES.get(self.intermediate.subject_common_name, "")


def intel_certificate_parse(data: bytes, what: str) -> Certificate:
    """A certificate signed with ECDSA and SHA-256; its critical extensions are known ones. Raises `Malformed`."""
    certificate = certificate_parse(data, what, algorithms=(ECDSA_SHA256,))
    if any(extension.critical and extension.oid not in _KNOWN_CRITICAL for extension in certificate.extensions):
        raise Malformed("certificate.extension", f"{what} has a critical extension that is not known.")
    return certificate


def is_authority(certificate: Certificate) -> bool:
    """Whether basicConstraints let it issue certificates."""
    value = certificate.extension(OID_BASIC_CONSTRAINTS)
    if value is None:
        return False
    reader = der.Reader(value, "basicConstraints")
    inner = reader.inside(der.SEQUENCE)
    reader.finish()
    return inner.peek() == der.BOOLEAN and inner.element().content == b"\xff"


@lru_cache(maxsize=64)
def ecdsa_signature_decode(signature: bytes, what: str) -> tuple[int, int]:
    """R and S of an ECDSA-Sig-Value in DER. Cached, as the certificates are that carry them. Source: RFC 3279, section 2.2.3."""
    reader = der.Reader(signature, f"The signature of {what}")
    inner = reader.inside(der.SEQUENCE)
    reader.finish()
    r, s = (der.integer_decode(inner.element(der.INTEGER), f"The signature of {what}") for _ in range(2))
    inner.finish()
    return r, s


def pck_parse(data: bytes) -> Pck:
    """The PCK certificate in `data` (DER). Raises `Malformed`."""
    certificate = intel_certificate_parse(data, "The chip key's certificate")
    value = certificate.extension(OID_SGX)
    if value is None:
        raise Malformed("pck.extension", "The chip key's certificate says nothing about its chip.")
    if is_authority(certificate):
        raise Malformed("pck.authority", "The chip key's certificate is one that may issue others.")
    found = _pairs(value)
    tcb = _pairs(_taken(found, _OID_TCB, der.SEQUENCE).raw)
    components = tuple(_number(tcb, oid, 0xFF) for oid in _OIDS_TCB[:_COMPONENTS])
    pcesvn, cpusvn = _number(tcb, _OIDS_TCB[16], 0xFFFF), _octets(tcb, _OIDS_TCB[17], 16)
    _none_left(tcb)
    parsed = Pck(
        certificate=certificate, ppid=_octets(found, _OID_PPID, 16), tcb_components=components, pcesvn=pcesvn, cpusvn=cpusvn,
        pceid=_octets(found, _OID_PCEID, 2), fmspc=_octets(found, _OID_FMSPC, 6), sgx_type=_sgx_type(found),
        platform_instance_id=_octets(found, _OID_INSTANCE, 16) if _OID_INSTANCE in found else None, flags=_flags(found),
    )  # fmt: skip
    _none_left(found)
    return parsed


@lru_cache(maxsize=64)
def pck_chain_parse(pem: bytes) -> PckChain:
    """The chain in `pem`: exactly chip key, intermediate, root. A zero byte may end it. Raises `Malformed`.

    Cached: a machine sends the same chain with every quote.
    """
    found = pem_chain_parse(pem, "The chip key's certificate chain", tails=(b"", b"\0"))
    if len(found) != 3:
        raise Malformed("pck.chain-length", f"The chip key's certificate chain has {len(found)} certificates instead of three.")
    intermediate = intel_certificate_parse(found[1], "The intermediate certificate")
    return PckChain(
        pck_parse(found[0]), intermediate, is_authority(intermediate), intel_certificate_parse(found[2], "The root certificate")
    )


def _pairs(value: bytes) -> dict[bytes, der.Element]:
    """The members of a SEQUENCE of SEQUENCE{OID, value} by OID, each at most once."""
    reader = der.Reader(value, _WHAT)
    items = reader.inside(der.SEQUENCE)
    reader.finish()
    found: dict[bytes, der.Element] = {}
    while not items.done:
        item = items.inside(der.SEQUENCE)
        oid = item.element(der.OBJECT_IDENTIFIER).raw
        if oid in found:
            raise Malformed("pck.extension", f"{_WHAT} says the same thing twice.")
        found[oid] = item.element()
        item.finish()
    return found


def _taken(found: dict[bytes, der.Element], oid: bytes, tag: int) -> der.Element:
    element = found.pop(oid, None)
    if element is None or element.tag != tag:
        raise Malformed("pck.extension", f"{_WHAT} lacks a member, or one is of another type.")
    return element


def _octets(found: dict[bytes, der.Element], oid: bytes, size: int) -> bytes:
    content = _taken(found, oid, der.OCTET_STRING).content
    if len(content) != size:
        raise Malformed("pck.extension", f"{_WHAT} has a member of the wrong length.")
    return content


def _number(found: dict[bytes, der.Element], oid: bytes, largest: int) -> int:
    value = der.integer_decode(_taken(found, oid, der.INTEGER), f"A level in {_WHAT}")
    if value > largest:
        raise Malformed("pck.extension", f"A level in {_WHAT} is too large.")
    return value


def _sgx_type(found: dict[bytes, der.Element]) -> int:
    content = _taken(found, _OID_TYPE, _ENUMERATED).content
    if len(content) != 1:
        raise Malformed("pck.extension", f"{_WHAT} has a type that is not known.")
    return content[0]


def _flags(found: dict[bytes, der.Element]) -> dict[str, bool]:
    if _OID_CONFIGURATION not in found:
        return {}
    flags = {}
    for oid, element in _pairs(_taken(found, _OID_CONFIGURATION, der.SEQUENCE).raw).items():
        if oid not in _OIDS_FLAGS or element.tag != der.BOOLEAN or element.content not in (b"\0", b"\xff"):
            raise Malformed("pck.extension", f"{_WHAT} has a switch that is not known.")
        flags[_OIDS_FLAGS[oid]] = element.content == b"\xff"
    return flags


def _none_left(found: dict[bytes, der.Element]) -> None:
    if found:
        raise Malformed("pck.extension", f"{_WHAT} has a member that is not known.")
