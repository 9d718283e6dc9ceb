"""Chains of certificates as PEM text, in the one form that is written again the same: 64 columns, LF, nothing between.

Source: RFC 7468, section 3 (generators); evidence facts, section 5.
"""

from __future__ import annotations

import base64
from typing import Final

from ..checks import Malformed

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----\n"
_END: Final = b"-----END CERTIFICATE-----\n"
_COLUMNS: Final = 64
MAX_CHAIN_BYTES: Final = 32 * 1024
"""Real chains have some 3,700."""


def pem_chain_parse(data: bytes, what: str, *, tails: tuple[bytes, ...] = (b"",)) -> tuple[bytes, ...]:
    """The DER of each certificate, at least one. `tails`: what may stand behind the last one. Raises `Malformed`."""
    if len(data) > MAX_CHAIN_BYTES:
        raise Malformed("pem.too-large", f"{what} has more than {MAX_CHAIN_BYTES} bytes.")
    blocks = data.split(_END)
    try:
        found = tuple(base64.b64decode(block.removeprefix(_BEGIN).replace(b"\n", b""), validate=True) for block in blocks[:-1])
    except ValueError as error:
        raise Malformed("pem", f"{what} is not PEM.") from error
    if not found or blocks[-1] not in tails or pem_chain_encode(found) + blocks[-1] != data:
        raise Malformed("pem", f"{what} is not PEM in its canonical form: 64 columns, LF, nothing before, between or behind.")
    return found


def pem_chain_encode(certificates: tuple[bytes, ...]) -> bytes:
    """The PEM text of certificates (DER)."""
    return b"".join(_BEGIN + _wrapped(base64.b64encode(one)) + _END for one in certificates)


def _wrapped(text: bytes) -> bytes:
    return b"".join(text[at : at + _COLUMNS] + b"\n" for at in range(0, len(text), _COLUMNS))
