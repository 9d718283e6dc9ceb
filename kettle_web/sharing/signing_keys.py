"""The keys of our own statements: Ed25519, made when first needed, one in use, retired ones kept for checking.

The private key is in the database, encrypted under the field encryption key: all servers of a site sign with the same one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.db import IntegrityError, transaction
from django.utils import timezone

from kettle_web.core.secrets import decrypt, encrypt
from kettle_web.sharing.models import SigningKey


def _key_make(now: datetime) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(
        kid=hashlib.sha256(der).hexdigest(),
        private_encrypted=encrypt(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")),
        public_pem=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii"),
        created_at=now,
        is_in_use=True,
    )


def key_in_use() -> SigningKey:
    """The key that signs; made by whoever needs it first."""
    row = SigningKey.objects.filter(is_in_use=True).first()
    if row is not None:
        return row
    try:
        with transaction.atomic():
            row = _key_make(timezone.now())
            row.save()
            return row
    except IntegrityError:
        return SigningKey.objects.get(is_in_use=True)


def key_rotate(*, now: datetime) -> SigningKey:
    """Retire the key in use, forgetting its private half, and make another."""
    with transaction.atomic():
        SigningKey.objects.filter(is_in_use=True).update(is_in_use=None, retired_at=now, private_encrypted="")
        row = _key_make(now)
        row.save()
    return row


def signer(row: SigningKey) -> Callable[[bytes], bytes]:
    """What signs with this key: 64 bytes each time. Raises `SecretUnreadable`."""
    private = load_pem_private_key(decrypt(row.private_encrypted).encode(), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    return private.sign


def keys_document() -> dict[str, Any]:
    """Every public key, the one in use first: as PEM, and as JWK (RFC 8037) for programs that read those."""
    key_in_use()
    rows = SigningKey.objects.order_by("-pk")
    return {
        "about": "Keys with which this site signs verification summaries. They speak for this site, not for any hardware.",
        "keys": [
            {
                "keyid": row.kid,
                "keytype": "ed25519",
                "scheme": "ed25519",
                "public_pem": row.public_pem,
                "jwk": {"kty": "OKP", "crv": "Ed25519", "kid": row.kid, "use": "sig", "x": _jwk_x(row.public_pem)},
                "created_at": row.created_at.isoformat(),
                "retired_at": row.retired_at.isoformat() if row.retired_at else None,
            }
            for row in rows
        ],
    }


def _jwk_x(public_pem: str) -> str:
    raw = load_pem_public_key(public_pem.encode()).public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
