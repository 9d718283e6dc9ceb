"""A DSSE envelope: a payload of a stated type and signatures over both.

Source: github.com/secure-systems-lab/dsse, protocol.md and envelope.md, version 1.0.2.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

IN_TOTO_TYPE: Final = "application/vnd.in-toto+json"
ENVELOPE_TYPE: Final = "application/vnd.dsse.envelope.v1+json"


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: «DSSEv1», then type and payload, each with its length in bytes, ASCII decimal."""
    kind = payload_type.encode()
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])


def envelope(payload: bytes, *, keyid: str, sign: Callable[[bytes], bytes], payload_type: str = IN_TOTO_TYPE) -> dict[str, Any]:
    """The envelope's JSON values; base64 of the standard alphabet, with padding."""
    signature = sign(pre_authentication(payload_type, payload))
    return {
        "payload": base64.b64encode(payload).decode("ascii"),
        "payloadType": payload_type,
        "signatures": [{"keyid": keyid, "sig": base64.b64encode(signature).decode("ascii")}],
    }
