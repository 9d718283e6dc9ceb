"""Intel's certificate revocation lists: version 2, ECDSA with SHA-256, canonical DER.

Source: RFC 5280, section 5; Intel, «SGX PCK Certificate and CRL Profile Specification», section 1.5; evidence facts, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ..checks import Malformed
from . import der
from .certificate import ECDSA_SHA256

MAX_CRL_BYTES: Final = 1024 * 1024
"""A real one has some 3,300 for 60 chips."""
_VERSION_2: Final = der.integer_encode(1)
_EXTENSIONS: Final = 0xA0


@dataclass(frozen=True)
class IntelCrl:
    tbs: bytes
    """What is signed, DER."""
    issuer: bytes
    """Name, DER."""
    this_update: datetime
    next_update: datetime
    serials: frozenset[int]
    """Of the certificates that are revoked."""
    signature: bytes


def intel_crl_parse(data: bytes, what: str) -> IntelCrl:
    """The list in `data` (DER). Raises `Malformed`."""
    if len(data) > MAX_CRL_BYTES:
        raise Malformed("crl.too-large", f"{what} has {len(data)} bytes; at most {MAX_CRL_BYTES} are read.")
    outer = der.Reader(data, what)
    body = outer.inside(der.SEQUENCE)
    outer.finish()
    tbs, algorithm, signature = body.element(der.SEQUENCE), body.element(der.SEQUENCE), body.element(der.BIT_STRING)
    body.finish()
    fields = der.Reader(tbs.content, what)
    if fields.element(der.INTEGER).raw != _VERSION_2:
        raise Malformed("crl.version", f"{what} is not a revocation list of version 2.")
    if {algorithm.raw, fields.element(der.SEQUENCE).raw} != {ECDSA_SHA256} or signature.content[:1] != b"\0":
        raise Malformed("crl.algorithm", f"{what} is not signed with ECDSA and SHA-256.")
    issuer = fields.element(der.SEQUENCE).raw
    this_update, next_update = (der.time_decode(fields.element(), f"A date of {what}") for _ in range(2))
    serials = _serials(fields.inside(der.SEQUENCE), what) if fields.peek() == der.SEQUENCE else frozenset()
    if fields.peek() == _EXTENSIONS:
        _no_critical_extension(fields.inside(_EXTENSIONS), what)
    fields.finish()
    return IntelCrl(tbs.raw, issuer, this_update, next_update, serials, signature.content[1:])


def _serials(entries: der.Reader, what: str) -> frozenset[int]:
    found = set()
    while not entries.done:
        entry = entries.inside(der.SEQUENCE)
        found.add(der.integer_decode(entry.element(der.INTEGER), f"A serial number in {what}"))
        der.time_decode(entry.element(), f"A date in {what}")
        if not entry.done:
            _no_critical_extension(entry, what)
        entry.finish()
    return frozenset(found)


def _no_critical_extension(wrapper: der.Reader, what: str) -> None:
    """A critical extension could change what the list means, such as one that covers some certificates only."""
    items = wrapper.inside(der.SEQUENCE)
    wrapper.finish()
    while not items.done:
        item = items.inside(der.SEQUENCE)
        item.element(der.OBJECT_IDENTIFIER)
        if item.peek() == der.BOOLEAN:
            raise Malformed("crl.extension", f"{what} has a critical extension, which Intel's have not.")
        item.element(der.OCTET_STRING)
        item.finish()
