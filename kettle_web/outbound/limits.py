"""Caps and deadlines of outgoing requests. Sizes are bytes, times seconds."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class TransportLimits:
    """Of one transport."""

    max_connections: int = 100
    """At once. A follower holds one per running build."""
    keepalive_connections: int = 0
    """None by default: a kept connection that the server just closed would make «was it sent?» a guess."""
    connect_seconds: float = 10.0
    """For all addresses of a name together."""
    connection_seconds: float = 2 * 3600.0
    """For the whole life of one connection of a synchronous transport, header bytes that drip in one by one included: no per-read
    timeout ends those. The default has room for the longest download; a short question passes a short one."""


DEFAULT: Final = TransportLimits()
SHORT_ANSWER_BYTES: Final = 64 * 1024
"""Of an answer that should be a line or a small JSON object."""
