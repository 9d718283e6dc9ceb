"""X.509 certificates in the shapes that AMD and Intel use: version 3, canonical DER, one of the algorithms that the caller names.

Source: RFC 5280, section 4.1; AMD document 57230 (VCEK certificate and KDS interface), chapter 3; evidence facts, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from ..checks import Malformed
from . import der

MAX_CERTIFICATE_BYTES: Final = 8192
"""Real VCEKs have some 1,350 bytes, AMD's own CA certificates some 1,650."""

MAX_COMMON_NAME_CHARACTERS: Final = 64
"""Source: RFC 5280, appendix A (ub-common-name)."""

PSS_SHA384_EXPLICIT_TRAILER: Final = bytes.fromhex(
    "304606092a864886f70d01010a3039a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500"
    "a203020130a303020101"
)
"""AlgorithmIdentifier of VCEKs before 2025 and of all AMD CA certificates."""
PSS_SHA384: Final = bytes.fromhex(
    "304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130"
)
"""AlgorithmIdentifier of newer VCEKs and VLEKs."""
_ALGORITHMS: Final = (PSS_SHA384_EXPLICIT_TRAILER, PSS_SHA384)
ECDSA_SHA256: Final = bytes.fromhex("300a06082a8648ce3d040302")
"""AlgorithmIdentifier of all of Intel's certificates and lists. Source: RFC 5758, section 3.2."""

_OID_COMMON_NAME: Final = der.oid_encode("2.5.4.3")
_VERSION_3: Final = bytes.fromhex("a003020102")
_EXTENSIONS_TAG: Final = 0xA3
_VERSION_TAG: Final = 0xA0


@dataclass(frozen=True)
class Extension:
    oid: bytes
    """The OBJECT IDENTIFIER element, as encoded."""
    critical: bool
    value: bytes
    """Content of the OCTET STRING."""


@dataclass(frozen=True)
class Certificate:
    raw: bytes
    tbs: bytes
    """What is signed: the tbsCertificate element, DER."""
    serial: int
    issuer: bytes
    """Name, DER; compared byte for byte."""
    issuer_common_name: str
    """First CN; empty: the name has none."""
    not_before: datetime
    not_after: datetime
    subject: bytes
    subject_common_name: str
    spki: bytes
    """SubjectPublicKeyInfo, DER."""
    extensions: tuple[Extension, ...]
    signature: bytes
    """RSA: big-endian, as long as the issuer's modulus. ECDSA: R and S in DER."""

    def extension(self, oid: bytes) -> bytes | None:
        """Value of the extension with this encoded OID; None: not there. OIDs occur at most once."""
        return next((found.value for found in self.extensions if found.oid == oid), None)


def certificate_parse(data: bytes, what: str, *, algorithms: tuple[bytes, ...] = _ALGORITHMS) -> Certificate:
    """The certificate in `data`; raises `Malformed` unless re-encoding it from its parts gives the same bytes.

    `algorithms`: the AlgorithmIdentifiers (DER) that its signature may have; AMD's when nothing is said.
    """
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise Malformed("certificate.too-large", f"{what} has {len(data)} bytes; at most {MAX_CERTIFICATE_BYTES} are read.")
    outer = der.Reader(data, what)
    body = outer.inside(der.SEQUENCE)
    outer.finish()
    tbs = body.element(der.SEQUENCE)
    algorithm = body.element(der.SEQUENCE)
    signature = body.element(der.BIT_STRING)
    body.finish()
    if algorithm.raw not in algorithms:
        raise Malformed("certificate.algorithm", f"{what} is not signed with the algorithm that its vendor uses, in a form that it uses.")
    if signature.content[:1] != b"\0":
        raise Malformed("certificate.signature", f"{what} has a signature that is not whole octets.")
    parsed = _tbs_parse(tbs, algorithm.raw, data, signature.content[1:], what)
    if certificate_encode(parsed.tbs, algorithm.raw, parsed.signature) != data:
        raise Malformed("certificate.not-canonical", f"{what} is not in its canonical encoding.")
    return parsed


def certificate_encode(tbs: bytes, algorithm: bytes, signature: bytes) -> bytes:
    """The certificate made of a tbsCertificate, an AlgorithmIdentifier (both DER) and the signature."""
    return der.encode(der.SEQUENCE, tbs, algorithm, der.encode(der.BIT_STRING, b"\0", signature))


def _tbs_parse(tbs: der.Element, algorithm: bytes, raw: bytes, signature: bytes, what: str) -> Certificate:
    fields = der.Reader(tbs.content, what)
    if fields.element(_VERSION_TAG).raw != _VERSION_3:
        raise Malformed("certificate.version", f"{what} is not an X.509 certificate of version 3.")
    serial = der.integer_decode(fields.element(der.INTEGER), f"Serial number of {what}")
    if fields.element(der.SEQUENCE).raw != algorithm:
        raise Malformed("certificate.algorithm", f"{what} names two different signature algorithms.")
    issuer = fields.element(der.SEQUENCE)
    validity = fields.inside(der.SEQUENCE)
    not_before = der.time_decode(validity.element(), f"notBefore of {what}")
    not_after = der.time_decode(validity.element(), f"notAfter of {what}")
    validity.finish()
    subject = fields.element(der.SEQUENCE)
    spki = fields.element(der.SEQUENCE)
    extensions = _extensions_parse(fields.inside(_EXTENSIONS_TAG), what)
    fields.finish()
    return Certificate(
        raw=raw, tbs=tbs.raw, serial=serial, issuer=issuer.raw, issuer_common_name=_common_name(issuer, what),
        not_before=not_before, not_after=not_after, subject=subject.raw, subject_common_name=_common_name(subject, what),
        spki=spki.raw, extensions=extensions, signature=signature,
    )  # fmt: skip


def _extensions_parse(wrapper: der.Reader, what: str) -> tuple[Extension, ...]:
    items = wrapper.inside(der.SEQUENCE)
    wrapper.finish()
    found: list[Extension] = []
    while not items.done:
        item = items.inside(der.SEQUENCE)
        oid = item.element(der.OBJECT_IDENTIFIER).raw
        critical = item.peek() == der.BOOLEAN
        if critical and item.element().content != b"\xff":
            raise Malformed("certificate.extension", f"{what} has an extension whose critical flag is not DER.")
        found.append(Extension(oid, critical, item.element(der.OCTET_STRING).content))
        item.finish()
    if len({extension.oid for extension in found}) != len(found):
        raise Malformed("certificate.duplicate-extension", f"{what} has the same extension twice.")
    return tuple(found)


@lru_cache(maxsize=64)
def _common_name(name: der.Element, what: str) -> str:
    """Cached: issuers are few, and every subject of a kind has the same name."""
    sets = der.Reader(name.content, what)
    common_name = ""
    while not sets.done:
        members = sets.inside(der.SET)
        while not members.done:
            attribute = members.inside(der.SEQUENCE)
            oid, value = attribute.element(der.OBJECT_IDENTIFIER), attribute.element()
            attribute.finish()
            if oid.raw == _OID_COMMON_NAME and not common_name:
                if value.tag not in (der.UTF8_STRING, der.PRINTABLE_STRING):
                    raise Malformed("certificate.name", f"{what} has a common name that is not text.")
                try:
                    common_name = value.content.decode("utf-8")
                except ValueError as error:
                    raise Malformed("certificate.name", f"{what} has a common name that is not UTF-8.") from error
                if len(common_name) > MAX_COMMON_NAME_CHARACTERS or not common_name.isprintable():
                    raise Malformed("certificate.name", f"{what} has a common name that is not a short line of text.")
    return common_name
