"""The HCL report: what Azure's paravisor hands out, a SEV-SNP report and the JSON that its report_data vouches for. Little-endian.

Source: Microsoft, «Azure confidential VMs guest attestation design», attestation report format; evidence facts, section 3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Final

from ..checks import Malformed
from ..encoding import base64url_decode, json_decode
from ..values import value_filled

HCL_BYTES: Final = 2600
HEADER_BYTES: Final = 0x4D4
"""Everything before the JSON."""
_LAYOUT: Final = struct.Struct("<4sIIII12s1184sIIIII")
assert _LAYOUT.size == HEADER_BYTES

_AK_KEY_ID: Final = "HCLAkPub"
AK_MODULUS_BYTES: Final = 256
AK_EXPONENT: Final = 65537
MAX_TEXT_CHARACTERS: Final = 256
"""Of user-data (128 hex digits in real reports) and the machine's id: they are shown on pages."""


@dataclass(frozen=True)
class HclReport:
    """Fields in the order of the bytes."""

    magic: bytes
    header_version: int
    report_size: int
    request_type: int
    status: int
    reserved: bytes
    tee_report: bytes
    """1184 bytes: the SNP report."""
    block_size: int
    block_version: int
    report_type: int
    """2: SEV-SNP, 4: TDX."""
    hash_type: int
    """1: SHA-256."""
    content_length: int
    var_data: bytes
    """JSON, `content_length` bytes: its SHA-256 is in the TEE report's report_data."""
    padding: bytes


@dataclass(frozen=True)
class VarData:
    """What the bound JSON says."""

    ak_modulus: int
    """Public key of the vTPM's attestation key, RSA-2048 with exponent 65537."""
    vm_configuration: dict[str, bool | str]
    """secure_boot, tpm_enabled, console_enabled, vm_unique_id; what is missing was not said."""
    user_data: str
    """Hex that the machine's owner gave; empty: none."""


_FIELD_NAMES: Final = tuple(field.name for field in fields(HclReport))


def hcl_report_parse(data: bytes) -> HclReport:
    """The report in `data`. Raises `Malformed` when it is too short for its header or its JSON."""
    if len(data) < HEADER_BYTES:
        raise Malformed("hcl.length", f"The HCL report has {len(data)} bytes, fewer than its header.")
    header = _LAYOUT.unpack_from(data)
    length = header[-1]
    if length > len(data) - HEADER_BYTES:
        raise Malformed("hcl.length", "The HCL report's content is longer than the report.")
    values = (*header, data[HEADER_BYTES : HEADER_BYTES + length], data[HEADER_BYTES + length :])
    return value_filled(HclReport, dict(zip(_FIELD_NAMES, values, strict=True)))


def hcl_report_encode(report: HclReport) -> bytes:
    """The bytes of the report."""
    header = _LAYOUT.pack(
        report.magic, report.header_version, report.report_size, report.request_type, report.status, report.reserved,
        report.tee_report, report.block_size, report.block_version, report.report_type, report.hash_type, report.content_length,
    )  # fmt: skip
    return header + report.var_data + report.padding


def var_data_parse(data: bytes) -> VarData:
    """The bound JSON: exactly one attestation key, RSA-2048. Raises `Malformed`."""
    document = json_decode(data, "The paravisor's JSON")
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise Malformed("hcl.keys", "The paravisor's JSON has no list of keys.")
    found = [key for key in keys if isinstance(key, dict) and key.get("kid") == _AK_KEY_ID]
    if len(found) != 1 or found[0].get("kty") != "RSA":
        raise Malformed("hcl.ak", "The paravisor's JSON does not name exactly one RSA attestation key.")
    modulus = base64url_decode(found[0].get("n"), "Modulus of the attestation key", padding=False)
    exponent = base64url_decode(found[0].get("e"), "Exponent of the attestation key", padding=False)
    if len(modulus) != AK_MODULUS_BYTES or modulus[0] < 0x80:
        raise Malformed("hcl.ak", "The attestation key is not an RSA key of 2048 bits.")
    if exponent != AK_EXPONENT.to_bytes(3, "big"):
        raise Malformed("hcl.ak", "The attestation key's exponent is not 65537.")
    return VarData(int.from_bytes(modulus, "big"), _configuration(document.get("vm-configuration")), _text(document.get("user-data")))


_SWITCHES: Final = {"secure-boot": "secure_boot", "tpm-enabled": "tpm_enabled", "console-enabled": "console_enabled"}


def _configuration(found: object) -> dict[str, bool | str]:
    """Nothing in it decides anything, so what is missing or of another type is left out instead of refused."""
    if not isinstance(found, dict):
        return {}
    known: dict[str, bool | str] = {name: found[key] for key, name in _SWITCHES.items() if isinstance(found.get(key), bool)}
    if unique_id := _text(found.get("vmUniqueId")):
        known["vm_unique_id"] = unique_id
    return known


def _text(found: object) -> str:
    return found if isinstance(found, str) and found.isascii() and found.isprintable() and len(found) <= MAX_TEXT_CHARACTERS else ""
