"""The versioned chip endorsement key (VCEK) and the versioned loaded endorsement key (VLEK): a certificate and what AMD put into it.

Source: AMD document 57230 (VCEK certificate and KDS interface), chapter 3; evidence facts, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ..checks import Malformed
from . import der
from .certificate import Certificate, certificate_parse

VCEK: Final = "vcek"
VLEK: Final = "vlek"

_AMD: Final = "1.3.6.1.4.1.3704.1"
OID_STRUCT_VERSION: Final = der.oid_encode(f"{_AMD}.1")
OID_PRODUCT_NAME: Final = der.oid_encode(f"{_AMD}.2")
OID_BOOTLOADER: Final = der.oid_encode(f"{_AMD}.3.1")
OID_TEE: Final = der.oid_encode(f"{_AMD}.3.2")
OID_SNP: Final = der.oid_encode(f"{_AMD}.3.3")
OID_MICROCODE: Final = der.oid_encode(f"{_AMD}.3.8")
OID_FMC: Final = der.oid_encode(f"{_AMD}.3.9")
OID_HWID: Final = der.oid_encode(f"{_AMD}.4")
OID_CSP_ID: Final = der.oid_encode(f"{_AMD}.5")
MAX_TEXT_CHARACTERS: Final = 128
"""Of the product's and the provider's name; real ones have some 30. They are shown on pages."""


@dataclass(frozen=True)
class Vek:
    certificate: Certificate
    kind: str
    """`VCEK` (of one chip) or `VLEK` (loaded by a cloud provider)."""
    levels: dict[str, int]
    """TCB component → level; ``fmc`` only where the certificate has it."""
    hwid: bytes | None
    """Chip id: 64 bytes, Turin 8; None: not there."""
    product: str
    """Such as ``Milan-B0``; empty: not there."""
    csp_id: str
    """VLEK: the cloud provider; empty: not there."""


@lru_cache(maxsize=256)
def vek_parse(data: bytes) -> Vek:
    """The VCEK or VLEK in `data` (DER). Raises `Malformed`. Cached: a machine's key stands in every evidence that it makes."""
    certificate = certificate_parse(data, "The chip key's certificate")
    if any(extension.critical for extension in certificate.extensions):
        raise Malformed("vek.extension", "The chip key's certificate has a critical extension, which AMD's have not.")
    levels = {name: _level(certificate, oid, name) for name, oid in _REQUIRED_LEVELS}
    if certificate.extension(OID_FMC) is not None:
        levels["fmc"] = _level(certificate, OID_FMC, "fmc")
    return Vek(
        certificate, _kind(certificate), levels, _hwid(certificate.extension(OID_HWID)),
        _ia5(certificate.extension(OID_PRODUCT_NAME)), _ia5(certificate.extension(OID_CSP_ID)),
    )  # fmt: skip


_REQUIRED_LEVELS: Final = (("bootloader", OID_BOOTLOADER), ("tee", OID_TEE), ("snp", OID_SNP), ("microcode", OID_MICROCODE))


def _kind(certificate: Certificate) -> str:
    name = certificate.subject_common_name
    if "VLEK" in name:
        return VLEK
    if "VCEK" in name:
        return VCEK
    raise Malformed("vek.kind", "The chip key's certificate is named neither VCEK nor VLEK.")


def _level(certificate: Certificate, oid: bytes, name: str) -> int:
    """An unsigned 8-bit INTEGER, in exactly its DER form."""
    value = certificate.extension(oid)
    if value is None:
        raise Malformed("vek.level-missing", f"The chip key's certificate does not state the level of {name}.")
    reader = der.Reader(value, f"Level of {name} in the chip key's certificate")
    level = der.integer_decode(reader.element(der.INTEGER), f"Level of {name} in the chip key's certificate")
    reader.finish()
    if level > 0xFF:
        raise Malformed("vek.level", f"The level of {name} in the chip key's certificate has more than 8 bits.")
    return level


def _hwid(value: bytes | None) -> bytes | None:
    """Raw in real certificates: 64 bytes, or Turin's 8. An inner OCTET STRING is looked for only in values of other lengths, because
    a raw chip id may begin like one.
    """
    if value is None or len(value) in (8, 64):
        return value
    if value[:1] == bytes((der.OCTET_STRING,)) and len(value) == 2 + value[1]:
        value = value[2:]
    if not 8 <= len(value) <= 64:
        raise Malformed("vek.hwid", "The chip id in the chip key's certificate has an impossible length.")
    return value


def _ia5(value: bytes | None) -> str:
    if value is None:
        return ""
    reader = der.Reader(value, "A text in the chip key's certificate")
    content = reader.element(der.IA5_STRING).content
    reader.finish()
    text = content.decode("ascii", errors="replace")
    if len(text) > MAX_TEXT_CHARACTERS or not text.isascii() or not text.isprintable():
        raise Malformed("vek.text", "A text in the chip key's certificate is not a short line of ASCII.")
    return text
