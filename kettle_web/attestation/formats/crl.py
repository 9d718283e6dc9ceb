"""The certificate revocation list that AMD's roots (ARK) sign: X.509 version 2, RSA-PSS with SHA-384, canonical DER.

Source: RFC 5280, section 5.1; AMD document 57230 (VCEK certificate and KDS interface), «CRL». No list of AMD's was at hand when this was
written: the form follows the specification and AMD's certificates, and is tested with lists that the tests mint.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ..checks import Malformed
from . import der
from .certificate import PSS_SHA384, PSS_SHA384_EXPLICIT_TRAILER

MAX_CRL_BYTES: Final = 1024 * 1024
"""A root signs a handful of certificates; this has room for some 25,000 entries."""
WHAT: Final = "The revocation list"
_ALGORITHMS: Final = (PSS_SHA384_EXPLICIT_TRAILER, PSS_SHA384)
_VERSION_2: Final = der.integer_encode(1)
_EXTENSIONS_TAG: Final = 0xA0


@dataclass(frozen=True)
class Crl:
    tbs: bytes
    """What is signed: the tbsCertList element, DER."""
    issuer: bytes
    """Name, DER; compared byte for byte."""
    this_update: datetime
    next_update: datetime
    revoked: dict[int, datetime]
    """Serial number → when it was revoked."""
    signature: bytes


def crl_parse(data: bytes) -> Crl:
    """The list in `data`. Raises `Malformed`, also for a list without nextUpdate and for one with a critical extension: such a list
    may cover less than all of its issuer's certificates, so that silence in it would mean nothing.
    """
    if len(data) > MAX_CRL_BYTES:
        raise Malformed("crl.too-large", f"{WHAT} has {len(data)} bytes; at most {MAX_CRL_BYTES} are read.")
    outer = der.Reader(data, WHAT)
    body = outer.inside(der.SEQUENCE)
    outer.finish()
    tbs, algorithm, signature = body.element(der.SEQUENCE), body.element(der.SEQUENCE), body.element(der.BIT_STRING)
    body.finish()
    if algorithm.raw not in _ALGORITHMS:
        raise Malformed("crl.algorithm", f"{WHAT} is not signed with RSA-PSS, SHA-384, salt 48, in a form that AMD uses.")
    if signature.content[:1] != b"\0":
        raise Malformed("crl.signature", f"{WHAT} has a signature that is not whole octets.")
    return _tbs_parse(tbs, algorithm.raw, signature.content[1:])


def _tbs_parse(tbs: der.Element, algorithm: bytes, signature: bytes) -> Crl:
    fields = der.Reader(tbs.content, WHAT)
    if fields.element(der.INTEGER).raw != _VERSION_2:
        raise Malformed("crl.version", f"{WHAT} is not of version 2.")
    if fields.element(der.SEQUENCE).raw != algorithm:
        raise Malformed("crl.algorithm", f"{WHAT} names two different signature algorithms.")
    issuer = fields.element(der.SEQUENCE).raw
    this_update = der.time_decode(fields.element(), f"thisUpdate of {WHAT}")
    if fields.peek() not in (der.UTC_TIME, der.GENERALIZED_TIME):
        raise Malformed("crl.next-update", f"{WHAT} does not say until when it holds.")
    next_update = der.time_decode(fields.element(), f"nextUpdate of {WHAT}")
    revoked = _revoked_parse(fields.inside(der.SEQUENCE)) if fields.peek() == der.SEQUENCE else {}
    if not fields.done:
        _extensions_parse(fields.inside(_EXTENSIONS_TAG))
    fields.finish()
    if next_update < this_update:
        raise Malformed("crl.dates", f"{WHAT} ends before it begins.")
    return Crl(tbs.raw, issuer, this_update, next_update, revoked, signature)


def _revoked_parse(entries: der.Reader) -> dict[int, datetime]:
    revoked: dict[int, datetime] = {}
    while not entries.done:
        entry = entries.inside(der.SEQUENCE)
        serial = der.integer_decode(entry.element(der.INTEGER), f"A serial number in {WHAT}")
        when = der.time_decode(entry.element(), f"A date in {WHAT}")
        if not entry.done:
            _extension_list_parse(entry.inside(der.SEQUENCE))
        entry.finish()
        if serial in revoked:
            raise Malformed("crl.doubled", f"{WHAT} names one serial number twice.")
        revoked[serial] = when
    return revoked


def _extensions_parse(wrapper: der.Reader) -> None:
    items = wrapper.inside(der.SEQUENCE)
    wrapper.finish()
    _extension_list_parse(items)


def _extension_list_parse(items: der.Reader) -> None:
    while not items.done:
        item = items.inside(der.SEQUENCE)
        item.element(der.OBJECT_IDENTIFIER)
        if item.peek() == der.BOOLEAN:
            raise Malformed("crl.critical", f"{WHAT} has a critical extension, or one whose flag is not DER.")
        item.element(der.OCTET_STRING)
        item.finish()
