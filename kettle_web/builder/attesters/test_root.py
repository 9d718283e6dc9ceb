"""The keys and certificates of the test root (`test_root/README.md`): all public, none of them a secret."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

TEST_ROOT_FOLDER: Final = Path(__file__).parent / "test_root"


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """The published private key of this name, on an elliptic curve."""
    key = load_pem_private_key(file_bytes(f"{name}.key.pem"), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{name}.key.pem does not hold an elliptic curve key.")
    return key


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """The published private RSA key of this name."""
    key = load_pem_private_key(file_bytes(f"{name}.key.pem"), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{name}.key.pem does not hold an RSA key.")
    return key


@cache
def file_bytes(name: str) -> bytes:
    """A file of the folder; one that ends in `.b64` is decoded (base64 text of 64 columns)."""
    data = (TEST_ROOT_FOLDER / name).read_bytes()
    return base64.b64decode(data) if name.endswith(".b64") else data
