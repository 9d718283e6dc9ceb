"""The event log of a TDX machine (CCEL): which digests were measured into which register, little-endian.

Only the digests are compared with the registers. An event's data is not: nothing says that a digest is of the data beside it, so the
data is skipped here and can never be shown as verified.

Source: TCG, «PC Client Platform Firmware Profile», section 10.2 (crypto agile log); evidence facts, section 5.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from ..checks import Malformed

_HEADER_BYTES: Final = 32
_RECORD: Final = struct.Struct("<III")
_ALGORITHM: Final = struct.Struct("<H")
_SIZE: Final = struct.Struct("<I")
SHA384: Final = 0x0C
DIGEST_BYTES: Final = {0x04: 20, 0x0B: 32, SHA384: 48, 0x0D: 64}
MAX_DIGESTS: Final = 16
"""More in one record: not a record any more (the reference verifier's rule)."""
REGISTERS: Final = 4


@dataclass(frozen=True)
class Event:
    register: int
    """1 to 4 for RTMR 0 to 3; 0 for the machine's own measurement."""
    event_type: int
    sha384: bytes | None
    """None: the record has no digest of that kind."""


def event_log_parse(data: bytes) -> tuple[Event, ...]:
    """The events; firmware leaves the table's end empty, so reading stops at a truncated or an all-zero record.

    Raises `Malformed` at an unknown digest algorithm, whose length nobody knows.
    """
    if len(data) < _HEADER_BYTES:
        return ()
    events, at = [], _HEADER_BYTES + _SIZE.unpack_from(data, _HEADER_BYTES - 4)[0]
    while at + _RECORD.size <= len(data):
        register, event_type, count = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        if count > MAX_DIGESTS:
            break
        sha384, after = _digests(data, at, count)
        if after is None or after + _SIZE.size > len(data):
            break
        (size,) = _SIZE.unpack_from(data, after)
        at = after + _SIZE.size + size
        if at > len(data) or not (register or event_type or size):
            break
        events.append(Event(register, event_type, sha384))
    return tuple(events)


def event_log_encode(events: tuple[Event, ...], event_data: bytes = b"") -> bytes:
    """A log of these events, with the same data in each; for records with one SHA-384 digest or none."""
    records = []
    for event in events:
        digests = b"" if event.sha384 is None else _ALGORITHM.pack(SHA384) + event.sha384
        head = _RECORD.pack(event.register, event.event_type, 0 if event.sha384 is None else 1)
        records.append(head + digests + _SIZE.pack(len(event_data)) + event_data)
    return bytes(_HEADER_BYTES) + b"".join(records)


def rtmrs_replayed(events: tuple[Event, ...]) -> tuple[bytes, ...]:
    """What the four registers hold after these events, 48 bytes each. Source: SHA-384 of the register and the digest."""
    registers = [bytes(48)] * REGISTERS
    for event in events:
        if 1 <= event.register <= REGISTERS and event.sha384 is not None:
            registers[event.register - 1] = hashlib.sha384(registers[event.register - 1] + event.sha384).digest()
    return tuple(registers)


def _digests(data: bytes, at: int, count: int) -> tuple[bytes | None, int | None]:
    """The SHA-384 digest of a record and where its digests end; None: past the end of the log."""
    found = None
    for _ in range(count):
        if at + _ALGORITHM.size > len(data):
            return found, None
        (algorithm,) = _ALGORITHM.unpack_from(data, at)
        size = DIGEST_BYTES.get(algorithm)
        if size is None:
            raise Malformed("event-log.algorithm", f"The event log has a digest of the unknown kind {algorithm:#x}.")
        at += _ALGORITHM.size
        if algorithm == SHA384:
            found = data[at : at + size]
        at += size
    return found, at if at <= len(data) else None
