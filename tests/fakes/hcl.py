"""A fake Azure paravisor: the HCL report and whole `az-snp` evidence that passes every check, every field open to an override."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

from kettle_web.attestation.formats.hcl import HCL_BYTES, HEADER_BYTES, HclReport, hcl_report_encode

from . import amd, tpm


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def ak_jwk(**overrides: Any) -> dict[str, Any]:
    """The attestation key as the paravisor publishes it."""
    modulus = tpm.attestation_key().public_key().public_numbers().n.to_bytes(256, "big")
    return {"kid": "HCLAkPub", "key_ops": ["sign"], "kty": "RSA", "e": "AQAB", "n": base64url(modulus)} | overrides


def var_data_mint(keys: list[Any] | None = None, **overrides: Any) -> bytes:
    """The paravisor's JSON."""
    configuration = {"console-enabled": False, "secure-boot": True, "tpm-enabled": True, "vmUniqueId": "5A7A08AC"}
    document = {"keys": [ak_jwk()] if keys is None else keys, "vm-configuration": configuration, "user-data": "00" * 64}
    return json.dumps(document | overrides, separators=(",", ":")).encode()


def hcl_mint(tee_report: bytes, var_data: bytes, **overrides: Any) -> bytes:
    """The 2600 bytes around a report and the JSON."""
    length = len(var_data)
    report = HclReport(
        magic=b"HCLA", header_version=1, report_size=32 + 1184 + 20 + length, request_type=2, status=0, reserved=bytes(12),
        tee_report=tee_report, block_size=20 + length, block_version=1, report_type=2, hash_type=1, content_length=length,
        var_data=var_data, padding=bytes(HCL_BYTES - HEADER_BYTES - length),
    )  # fmt: skip
    return hcl_report_encode(replace(report, **overrides))


def az_snp_evidence(
    authority: amd.Authority,
    *,
    var_data: bytes | None = None,
    report: dict[str, Any] | None = None,
    hcl: dict[str, Any] | None = None,
    vek: dict[str, Any] | None = None,
    quote: dict[str, Any] | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """An evidence object; the dictionaries override fields of their parts, `overrides` fields of the object."""
    bound = var_data_mint() if var_data is None else var_data
    fields = {"report_data": hashlib.sha256(bound).digest() + bytes(32)} | (report or {})
    return {
        "version": 1,
        "tpm_quote": tpm.quote_mint(**(quote or {})),
        "hcl_report": base64url(hcl_mint(amd.report_mint(**fields), bound, **(hcl or {}))),
        "vcek": base64url(authority.vek_mint(**(vek or {}))),
    } | overrides
