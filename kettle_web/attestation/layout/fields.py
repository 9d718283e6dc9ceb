"""A structure as a row of fields without gap or overlap, which `Writer` makes sure of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

Reading = Callable[[bytes], str]
Row = tuple[str, int, str, Reading | None]
"""Name, bytes, meaning, how to read it (None: the bytes say it)."""
MAX_READING: Final = 200
"""Characters of a reading; certificates may hold long texts."""


@dataclass(frozen=True)
class Field:
    name: str
    """Stable, with dots between levels: `report.report_data`."""
    offset: int
    """Bytes from the beginning of the structure."""
    data: bytes
    meaning: str
    """One short sentence, English; empty: the name says it."""
    reading: str
    """The value for people; empty: the bytes say it."""
    source: str
    """Specification and place in it."""

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True)
class Layout:
    """One structure."""

    code: str
    """Good for an address: `snp-report`."""
    title: str
    path: str
    """Where in evidence.json, and in which encoding."""
    data: bytes
    fields: tuple[Field, ...]
    fault: str = ""
    """Why it could not be taken apart; empty: it could."""


class Writer:
    """Takes fields from the front of `data`."""

    def __init__(self, data: bytes, *, source: str, offset: int = 0, prefix: str = "") -> None:
        self._data = data
        self._source = source
        self._offset = offset
        self._prefix = prefix
        self.at = 0
        self.fields: list[Field] = []

    def take(self, name: str, size: int, meaning: str = "", reading: Reading | None = None, *, source: str = "") -> bytes:
        """Add the next `size` bytes, or what is left of them, as a field; none are no field."""
        data = self._data[self.at : self.at + size]
        if data:
            text = reading(data)[:MAX_READING] if reading else ""
            self.fields.append(Field(self._prefix + name, self._offset + self.at, data, meaning, text, source or self._source))
        self.at += len(data)
        return data

    def rows(self, rows: Sequence[Row]) -> None:
        for name, size, meaning, reading in rows:
            self.take(name, size, meaning, reading)

    def nested(self, fields: Sequence[Field], name: str) -> None:
        """Add the fields of a structure that begins here; their offsets count from its own beginning."""
        for field in fields:
            self.fields.append(replace(field, name=f"{self._prefix}{name}.{field.name}", offset=self._offset + self.at + field.offset))
        self.at += sum(field.size for field in fields)

    def rest(self, name: str, meaning: str) -> None:
        self.take(name, len(self._data) - self.at, meaning, zeros)


def little(data: bytes) -> str:
    return str(int.from_bytes(data, "little"))


def big(data: bytes) -> str:
    return str(int.from_bytes(data, "big"))


def ascii_text(data: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)


def zeros(data: bytes) -> str:
    """Whether reserved bytes are all zero."""
    return "not zero" if any(data) else "zero"


def named(names: dict[int, str], number: Reading = little) -> Reading:
    """A number with what it stands for."""

    def read(data: bytes) -> str:
        value = number(data)
        return f"{value}: {names[int(value)]}" if int(value) in names else value

    return read


def bits(names: dict[int, str]) -> Reading:
    """The names of the bits that are set, little-endian."""

    def read(data: bytes) -> str:
        value = int.from_bytes(data, "little")
        found = [name for bit, name in names.items() if value >> bit & 1]
        rest = value & ~sum(1 << bit for bit in names)
        return ", ".join([*found, *([f"bits {rest:#x}"] if rest else [])]) or "none set"

    return read
