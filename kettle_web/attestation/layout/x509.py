"""A certificate, element by element. Source: RFC 5280, section 4.1; ITU-T X.690; AMD document 57230; Intel's PCK profile."""

from __future__ import annotations

from typing import Final

from ..formats import der
from ..formats.vek import (
    OID_BOOTLOADER,
    OID_CSP_ID,
    OID_FMC,
    OID_HWID,
    OID_MICROCODE,
    OID_PRODUCT_NAME,
    OID_SNP,
    OID_STRUCT_VERSION,
    OID_TEE,
)
from .fields import Field, Writer

_RFC: Final = "RFC 5280"
_TAGS: Final = {
    0x01: "BOOLEAN", 0x02: "INTEGER", 0x03: "BIT STRING", 0x04: "OCTET STRING", 0x05: "NULL", 0x06: "OBJECT IDENTIFIER", 0x0A: "ENUMERATED",
    0x0C: "UTF8String", 0x13: "PrintableString", 0x16: "IA5String", 0x17: "UTCTime", 0x18: "GeneralizedTime", 0x30: "SEQUENCE", 0x31: "SET",
}  # fmt: skip
_TEXTS: Final = frozenset({0x0C, 0x13, 0x16, 0x17, 0x18})
_CONSTRUCTED: Final = 0x20
MAX_DEPTH: Final = 24
_OIDS: Final = {
    der.oid_encode(dotted): name
    for dotted, name in {
        "2.5.4.3": "common name", "2.5.4.6": "country", "2.5.4.7": "locality", "2.5.4.8": "state", "2.5.4.10": "organisation",
        "2.5.4.11": "unit", "1.2.840.113549.1.1.1": "RSA", "1.2.840.113549.1.1.10": "RSA-PSS", "1.2.840.113549.1.1.8": "MGF1",
        "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.1": "SHA-256", "1.2.840.10045.2.1": "EC public key",
        "1.3.132.0.34": "P-384", "1.2.840.10045.3.1.7": "P-256", "1.2.840.10045.4.3.2": "ECDSA with SHA-256",
        "2.5.29.15": "key usage", "2.5.29.19": "basic constraints", "2.5.29.14": "subject key identifier",
        "2.5.29.35": "authority key identifier", "2.5.29.31": "revocation list", "1.2.840.113741.1.13.1": "Intel SGX extension",
    }.items()
} | {
    OID_STRUCT_VERSION: "AMD: version of these extensions", OID_PRODUCT_NAME: "AMD: product", OID_BOOTLOADER: "AMD: boot loader level",
    OID_TEE: "AMD: TEE level", OID_SNP: "AMD: SNP level", OID_MICROCODE: "AMD: microcode level", OID_FMC: "AMD: FMC level",
    OID_HWID: "AMD: chip id", OID_CSP_ID: "AMD: cloud provider",
}  # fmt: skip
_TBS: Final = (
    ("version", "4.1.2.1"), ("serial_number", "4.1.2.2"), ("signature", "4.1.2.3"), ("issuer", "4.1.2.4"), ("validity", "4.1.2.5"),
    ("subject", "4.1.2.6"), ("subject_public_key_info", "4.1.2.7"), ("extensions", "4.1.2.9"),
)  # fmt: skip
_TOP: Final = (("tbs", "4.1.1.1"), ("signature_algorithm", "4.1.1.2"), ("signature_value", "4.1.1.3"))
_MEANINGS: Final = {
    "version": "Version of the certificate.", "serial_number": "Number that its issuer gave it; 0 in all VCEKs and VLEKs.",
    "signature": "How it is signed, said inside the signed part.", "issuer": "Who signed it.",
    "validity": "From when and until when it holds.",
    "subject": "Whose key it is.", "subject_public_key_info": "The key.", "extensions": "What the vendor says of the key besides.",
    "tbs": "Header of the signed part.", "signature_algorithm": "How it is signed.", "signature_value": "The signature.",
}  # fmt: skip


def certificate_fields(data: bytes) -> tuple[Field, ...]:
    """Every element: the header of what contains others, and the whole of what does not. Raises `Malformed` for bytes that are not DER."""
    writer = Writer(data, source=f"{_RFC}, 4.1")
    outer = der.Reader(data, "The certificate")
    _walk(writer, outer.element(der.SEQUENCE), "certificate", "The certificate.", f"{_RFC}, 4.1", 0)
    outer.finish()
    return tuple(writer.fields)


def _walk(writer: Writer, element: der.Element, name: str, meaning: str, source: str, depth: int) -> None:
    kind = _TAGS.get(element.tag, f"[{element.tag & 0x1F}]")
    if not element.tag & _CONSTRUCTED or depth == MAX_DEPTH:
        writer.take(name, len(element.raw), meaning, lambda _data: f"{kind}: {_text(element)}", source=source)
        return
    header = len(element.raw) - len(element.content)
    writer.take(name, header, meaning, lambda _data: f"{kind}, {len(element.content)} bytes", source=source)
    reader, at, about = der.Reader(element.content, "The certificate"), 0, ""
    while not reader.done:
        inner = reader.element()
        label, section = _named(name, at)
        if inner.tag == der.OBJECT_IDENTIFIER:
            about = _OIDS.get(inner.raw, "")
        text = _MEANINGS.get(label, "") if section else about
        _walk(writer, inner, f"{name}.{label}" if depth else label, text, f"{_RFC}, {section}" if section else source, depth + 1)
        at += 1


def _named(parent: str, at: int) -> tuple[str, str]:
    """Name and section of the child at this place; elsewhere its number."""
    names = _TOP if parent == "certificate" else _TBS if parent == "tbs" else ()
    return names[at] if at < len(names) else (str(at), "")


def _text(element: der.Element) -> str:
    content = element.content
    if element.tag == der.OBJECT_IDENTIFIER:
        name = _OIDS.get(element.raw)
        return f"{oid_text(content)} ({name})" if name else oid_text(content)
    if element.tag in _TEXTS:
        return content.decode("utf-8", "replace")
    if element.tag == der.INTEGER and len(content) <= 20:
        return str(int.from_bytes(content, "big", signed=True))
    if element.tag == der.BOOLEAN:
        return "true" if any(content) else "false"
    if element.tag == der.OCTET_STRING and len(content) >= 3 and content[0] == der.INTEGER and content[1] == len(content) - 2 <= 9:
        return f"holds the INTEGER {int.from_bytes(content[2:], 'big')}"
    return f"{len(content)} bytes"


def oid_text(content: bytes) -> str:
    """The dotted form of an OBJECT IDENTIFIER's content."""
    arcs, value = [], 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    if not arcs:
        return ""
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
