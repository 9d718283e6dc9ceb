"""Signature verification: the only place that hands bytes to the cryptography library for a verdict.

Each function raises `CheckFailed` unless the signature holds; none returns a boolean that could be ignored. Every exception of the
library is a failure: its objects parse lazily, so ValueError, TypeError or UnsupportedAlgorithm can come late.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .checks import CheckFailed, Malformed

_PSS_SALT_BYTES: Final = 48
_SPKI_P384: Final = bytes.fromhex("3076301006072a8648ce3d020106052b81040022036200")
"""SubjectPublicKeyInfo up to the point: id-ecPublicKey, secp384r1, 98-byte BIT STRING. Source: RFC 5480."""
_SPKI_P256: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""The same with secp256r1 and a 66-byte BIT STRING."""
_ECDSA_SHA256: Final = ec.ECDSA(hashes.SHA256())
_ECDSA_SHA384: Final = ec.ECDSA(hashes.SHA384())
_SHA256: Final = hashes.SHA256()
_SHA384: Final = hashes.SHA384()
_PKCS1: Final = padding.PKCS1v15()
_PSS_SHA384: Final = padding.PSS(mgf=padding.MGF1(_SHA384), salt_length=_PSS_SALT_BYTES)
_LIBRARY_ERRORS: Final = (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, OverflowError)


@lru_cache(maxsize=64)
def rsa_key_load(spki: bytes) -> rsa.RSAPublicKey:
    """The RSA key of a SubjectPublicKeyInfo (DER). Cached: anchors' keys are loaded once per process."""
    try:
        key = load_der_public_key(spki)
    except _LIBRARY_ERRORS as error:
        raise Malformed("key.rsa", "A public key cannot be read.") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise Malformed("key.rsa", "A public key is not an RSA key.")
    return key


@lru_cache(maxsize=64)
def p384_key_load(spki: bytes) -> ec.EllipticCurvePublicKey:
    """The P-384 key of a SubjectPublicKeyInfo (DER) with an uncompressed point, which must lie on the curve."""
    if len(spki) != len(_SPKI_P384) + 97 or not spki.startswith(_SPKI_P384):
        raise Malformed("key.p384", "The public key is not an uncompressed elliptic curve key on P-384.")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), spki[len(_SPKI_P384) :])
    except _LIBRARY_ERRORS as error:
        raise Malformed("key.p384", "The public key is not a point on the curve P-384.") from error


def p256_point(spki: bytes) -> bytes:
    """X and Y, 32 bytes each, of the P-256 key in a SubjectPublicKeyInfo (DER) with an uncompressed point."""
    if len(spki) != len(_SPKI_P256) + 65 or not spki.startswith(_SPKI_P256 + b"\x04"):
        raise Malformed("key.p256", "The public key is not an uncompressed elliptic curve key on P-256.")
    return spki[len(_SPKI_P256) + 1 :]


@lru_cache(maxsize=64)
def p256_key_load(point: bytes) -> ec.EllipticCurvePublicKey:
    """The P-256 key with this X and Y (32 bytes each), which must lie on the curve. Cached: a machine's keys come again and again."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + point)
    except _LIBRARY_ERRORS as error:
        raise Malformed("key.p256", "The public key is not a point on the curve P-256.") from error


def rsa_pss_sha384_verify(spki: bytes, signature: bytes, message: bytes, *, code: str, failure: str) -> None:
    """RSASSA-PSS, SHA-384, MGF1-SHA-384, salt 48, by the key in `spki` (DER). Source: AMD 57230; RFC 8017, section 8.1."""
    key = rsa_key_load(spki)
    try:
        key.verify(signature, message, _PSS_SHA384, _SHA384)
    except _LIBRARY_ERRORS as error:
        raise CheckFailed(code, failure) from error


def rsa_pkcs1_sha256_verify(modulus: int, exponent: int, signature: bytes, message: bytes, *, code: str, failure: str) -> None:
    """RSASSA-PKCS1-v1_5 with SHA-256. Source: RFC 8017, section 8.2."""
    try:
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        key.verify(signature, message, _PKCS1, _SHA256)
    except _LIBRARY_ERRORS as error:
        raise CheckFailed(code, failure) from error


def ecdsa_p384_sha384_verify(spki: bytes, r: int, s: int, message: bytes, *, code: str, failure: str) -> None:
    """ECDSA on P-384 with SHA-384 by the key in `spki` (DER). Source: FIPS 186-5."""
    key = p384_key_load(spki)
    try:
        key.verify(encode_dss_signature(r, s), message, _ECDSA_SHA384)
    except _LIBRARY_ERRORS as error:
        raise CheckFailed(code, failure) from error


def ecdsa_p256_sha256_verify(point: bytes, r: int, s: int, message: bytes, *, code: str, failure: str) -> None:
    """ECDSA on P-256 with SHA-256 by the key with this X and Y (32 bytes each). Source: FIPS 186-5."""
    key = p256_key_load(point)
    try:
        key.verify(encode_dss_signature(r, s), message, _ECDSA_SHA256)
    except _LIBRARY_ERRORS as error:
        raise CheckFailed(code, failure) from error
