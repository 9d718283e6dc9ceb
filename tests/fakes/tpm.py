"""A fake virtual TPM: an attestation key and quotes under it, every field open to an override."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kettle_web.attestation.formats.tpm import ALG_SHA256, MAGIC, TYPE_QUOTE, PcrSelection, TpmQuote, tpm_quote_encode

PCRS = tuple(hashlib.sha256(bytes((index,))).digest() for index in range(24))
ALL_SHA256 = PcrSelection(ALG_SHA256, b"\xff\xff\xff")

QUOTE = TpmQuote(
    magic=MAGIC, attest_type=TYPE_QUOTE, qualified_signer=b"\x00\x0b" + b"\x44" * 32, extra_data=b"\x55" * 48, clock=1000, reset_count=1,
    restart_count=0, safe=1, firmware_version=0x2024_0101, selections=(ALL_SHA256,),
    pcr_digest=hashlib.sha256(b"".join(PCRS)).digest(), trailing=b"",
)  # fmt: skip


@cache
def attestation_key(number: int = 0) -> rsa.RSAPrivateKey:
    """One key per number and session."""
    return rsa.generate_private_key(65537, 2048)


def quote_mint(key: rsa.RSAPrivateKey | None = None, *, pss: bool = False, **overrides: Any) -> dict[str, Any]:
    """The `tpm_quote` object of evidence: a quote with these fields overridden, signed. `pss`: by the wrong scheme."""
    message = tpm_quote_encode(replace(QUOTE, **overrides))
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32) if pss else padding.PKCS1v15()
    signature = (key or attestation_key()).sign(message, scheme, hashes.SHA256())
    return {"signature": signature.hex(), "message": message.hex(), "pcrs": [value.hex() for value in PCRS]}
