"""The TPM quote: TPMS_ATTEST and its platform configuration registers, integers big-endian.

Source: TCG, «TPM 2.0 Library», part 2, sections 10.12 (TPMS_ATTEST) and 10.6 (TPML_PCR_SELECTION); evidence facts, section 4.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Final

from ..checks import Malformed
from ..values import value_filled

MAGIC: Final = 0xFF544347
TYPE_QUOTE: Final = 0x8018
ALG_SHA256: Final = 0x000B
MAX_SELECTIONS: Final = 16
"""A TPM has a bank per hash algorithm; real quotes select one."""


@dataclass(frozen=True)
class PcrSelection:
    hash_algorithm: int
    bitmap: bytes
    """PCR i is byte i/8, bit i%8, least significant first."""

    def indexes(self) -> tuple[int, ...]:
        return tuple(index for index in range(8 * len(self.bitmap)) if self.bitmap[index // 8] >> index % 8 & 1)


@dataclass(frozen=True)
class TpmQuote:
    """TPMS_ATTEST of type quote, fields in the order of the bytes."""

    magic: int
    attest_type: int
    qualified_signer: bytes
    extra_data: bytes
    """What the quote's caller asked to have signed."""
    clock: int
    """Milliseconds."""
    reset_count: int
    restart_count: int
    safe: int
    """1: the clock never ran backwards. It speaks of the TPM's clock only."""
    firmware_version: int
    selections: tuple[PcrSelection, ...]
    pcr_digest: bytes
    trailing: bytes
    """Bytes after the digest; none in a genuine quote."""


_FIELD_NAMES: Final = tuple(field.name for field in fields(TpmQuote))


def tpm_quote_parse(data: bytes) -> TpmQuote:
    """The quote in `data`; judges no value. Raises `Malformed` when a length leads past the end."""
    reader = _Reader(data)
    magic, attest_type = reader.unpack(_HEAD)
    signer, extra_data = reader.sized(), reader.sized()
    clock, reset_count, restart_count, safe, firmware_version, count = reader.unpack(_CLOCK_AND_COUNT)
    if count > MAX_SELECTIONS:
        raise Malformed("tpm.selection", f"The quote has {count} PCR selections; at most {MAX_SELECTIONS} are read.")
    selections = []
    for _ in range(count):
        algorithm, size = reader.unpack(_SELECTION)
        selections.append(PcrSelection(algorithm, reader.take(size)))
    digest = reader.sized()
    values = (
        magic, attest_type, signer, extra_data, clock, reset_count, restart_count, safe, firmware_version, tuple(selections),
        digest, reader.rest(),
    )  # fmt: skip
    return value_filled(TpmQuote, dict(zip(_FIELD_NAMES, values, strict=True)))


def tpm_quote_encode(quote: TpmQuote) -> bytes:
    """The bytes of the quote."""
    selections = b"".join(
        _SELECTION.pack(selection.hash_algorithm, len(selection.bitmap)) + selection.bitmap for selection in quote.selections
    )
    clock = _CLOCK_AND_COUNT.pack(
        quote.clock, quote.reset_count, quote.restart_count, quote.safe, quote.firmware_version, len(quote.selections)
    )
    head = _HEAD.pack(quote.magic, quote.attest_type) + _sized(quote.qualified_signer) + _sized(quote.extra_data)
    return head + clock + selections + _sized(quote.pcr_digest) + quote.trailing


_HEAD: Final = struct.Struct(">IH")
_CLOCK_AND_COUNT: Final = struct.Struct(">QIIBQI")
_SELECTION: Final = struct.Struct(">HB")
_SIZE: Final = struct.Struct(">H")


def _sized(data: bytes) -> bytes:
    return _SIZE.pack(len(data)) + data


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise Malformed("tpm.truncated", "The TPM quote ends early.")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        return layout.unpack(self.take(layout.size))

    def sized(self) -> bytes:
        return self.take(self.unpack(_SIZE)[0])

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)
