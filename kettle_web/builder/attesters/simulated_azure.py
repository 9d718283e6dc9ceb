"""Simulated evidence of a SEV-SNP machine on Azure: the paravisor's report around the processor's, and a quote of a virtual TPM."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from kettle_web.attestation.formats.hcl import AK_MODULUS_BYTES, HCL_BYTES, HEADER_BYTES, HclReport, hcl_report_encode
from kettle_web.attestation.formats.tpm import ALG_SHA256, MAGIC, TYPE_QUOTE, PcrSelection, TpmQuote, tpm_quote_encode

from .simulated_snp import MILAN, snp_report
from .test_root import file_bytes, rsa_key

EXTRA_DATA_BYTES: Final = 50
"""The longest nonce that a virtual TPM takes."""
PCRS: Final = tuple(
    hashlib.sha256(f"Kettle Web simulated PCR {index}".encode()).digest() if index < 17 else (b"\xff" if index < 23 else b"\0") * 32
    for index in range(24)
)
"""17 to 22 are all ones where no dynamic launch took place, 23 is zero: TCG PC Client Platform Firmware Profile, section 3.3."""
MEASUREMENT: Final = hashlib.sha384(b"Kettle Web simulated paravisor").digest()


def az_snp_evidence(signed_data: bytes, measurement: bytes | None) -> dict[str, Any]:
    """The evidence object of platform `az-snp`. Raises ValueError for more than 50 bytes."""
    if len(signed_data) > EXTRA_DATA_BYTES:
        raise ValueError("A virtual TPM signs at most 50 bytes.")
    var_data = _var_data()
    report = snp_report(hashlib.sha256(var_data).digest() + bytes(32), measurement or MEASUREMENT)
    return {
        "version": 1,
        "tpm_quote": _quote(signed_data),
        "hcl_report": _base64url(_hcl(report, var_data)),
        "vcek": _base64url(file_bytes(MILAN.vcek)),
    }


def _var_data() -> bytes:
    """The paravisor's JSON, which the processor's report vouches for."""
    modulus = rsa_key("ak").public_key().public_numbers().n.to_bytes(AK_MODULUS_BYTES, "big")
    key = {"kid": "HCLAkPub", "key_ops": ["sign"], "kty": "RSA", "e": "AQAB", "n": _base64url(modulus).rstrip("=")}
    configuration = {"console-enabled": True, "secure-boot": False, "tpm-enabled": True, "vmUniqueId": "KETTLE-WEB-SIMULATED"}
    document = {"keys": [key], "vm-configuration": configuration, "user-data": "00" * 64}
    return json.dumps(document, separators=(",", ":")).encode()


def _hcl(report: bytes, var_data: bytes) -> bytes:
    length = len(var_data)
    return hcl_report_encode(
        HclReport(
            magic=b"HCLA", header_version=1, report_size=32 + 1184 + 20 + length, request_type=2, status=0, reserved=bytes(12),
            tee_report=report, block_size=20 + length, block_version=1, report_type=2, hash_type=1, content_length=length,
            var_data=var_data, padding=bytes(HCL_BYTES - HEADER_BYTES - length),
        )
    )  # fmt: skip


def _quote(signed_data: bytes) -> dict[str, Any]:
    signer = ALG_SHA256.to_bytes(2, "big") + hashlib.sha256(b"Kettle Web simulated attestation key").digest()
    message = tpm_quote_encode(
        TpmQuote(
            magic=MAGIC, attest_type=TYPE_QUOTE, qualified_signer=signer, extra_data=signed_data, clock=60_000, reset_count=1,
            restart_count=0, safe=1, firmware_version=1, selections=(PcrSelection(ALG_SHA256, b"\xff\xff\xff"),),
            pcr_digest=hashlib.sha256(b"".join(PCRS)).digest(), trailing=b"",
        )
    )  # fmt: skip
    signature = rsa_key("ak").sign(message, padding.PKCS1v15(), hashes.SHA256())
    return {"signature": signature.hex(), "message": message.hex(), "pcrs": [value.hex() for value in PCRS]}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
