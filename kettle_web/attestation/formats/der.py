"""A strict reader and writer of the little DER that AMD's certificates need.

Source: ITU-T X.690 (DER): definite lengths in the fewest octets, one-octet tags. Everything else is refused, so that one value has one
encoding. The cryptography library is not used for these certificates: it warns on serial number 0, which every VCEK and VLEK has.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from ..checks import Malformed

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
BOOLEAN: Final = 0x01
OBJECT_IDENTIFIER: Final = 0x06
UTF8_STRING: Final = 0x0C
PRINTABLE_STRING: Final = 0x13
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31


class Element(NamedTuple):
    tag: int
    content: bytes
    raw: bytes
    """The whole element: tag, length and content."""


class Reader:
    """Reads elements one after another; `finish` refuses what is left."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._at = 0
        self._what = what

    @property
    def done(self) -> bool:
        return self._at == len(self._data)

    def peek(self) -> int | None:
        """The next tag; None at the end."""
        return None if self.done else self._data[self._at]

    def element(self, tag: int | None = None) -> Element:
        """The next element, of this tag when one is given."""
        data, start = self._data, self._at
        if len(data) - start < 2:
            raise self._broken("it ends early")
        found, length, at = data[start], data[start + 1], start + 2
        if tag is not None and found != tag:
            raise self._broken(f"element {found:#04x} stands where {tag:#04x} belongs")
        if found & 0x1F == 0x1F:
            raise self._broken("a tag of several octets")
        if length >= 0x80:
            octets = length & 0x7F
            long_form = data[at : at + octets]
            if not 1 <= octets <= 4 or len(long_form) != octets:
                raise self._broken("a length that DER does not allow")
            length = int.from_bytes(long_form, "big")
            if length < 0x80 or long_form[0] == 0:
                raise self._broken("a length that is not in its shortest form")
            at += octets
        end = at + length
        if end > len(data):
            raise self._broken("it ends early")
        self._at = end
        return Element(found, data[at:end], data[start:end])

    def inside(self, tag: int) -> Reader:
        """A reader of the content of the next element, which has this tag."""
        return Reader(self.element(tag).content, self._what)

    def finish(self) -> None:
        if not self.done:
            raise self._broken("bytes are left over")

    def _broken(self, why: str) -> Malformed:
        return Malformed("der", f"{self._what} is not strict DER: {why}.")


def encode(tag: int, *contents: bytes) -> bytes:
    """One element around the joined contents."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer_encode(value: int) -> bytes:
    """A non-negative INTEGER."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def integer_decode(element: Element, what: str) -> int:
    """A non-negative INTEGER in its shortest form."""
    value = int.from_bytes(element.content, "big")
    if element.tag != INTEGER or integer_encode(value) != element.raw:
        raise Malformed("der.integer", f"{what} is not a non-negative integer in its shortest form.")
    return value


def oid_encode(dotted: str) -> bytes:
    """OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return encode(OBJECT_IDENTIFIER, bytes(content))


def time_decode(element: Element, what: str) -> datetime:
    """UTCTime or GeneralizedTime in the forms of RFC 5280, section 4.1.2.5: seconds given, «Z», no fractions."""
    try:
        text = element.content.decode("ascii")
    except ValueError as error:
        raise Malformed("der.time", f"{what} is not a time.") from error
    digits = text[:-1]
    if text[-1:] != "Z" or not digits.isdigit():
        raise Malformed("der.time", f"{what} is not a time in UTC.")
    if element.tag == UTC_TIME and len(digits) == 12:
        digits = ("20" if digits < "50" else "19") + digits
    elif element.tag != GENERALIZED_TIME or len(digits) != 14:
        raise Malformed("der.time", f"{what} is not a time of a known form.")
    try:
        year, *rest = int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, 14, 2))
        return datetime(year, rest[0], rest[1], rest[2], rest[3], rest[4], tzinfo=UTC)
    except ValueError as error:
        raise Malformed("der.time", f"{what} is not a possible time.") from error


def time_encode(moment: datetime) -> bytes:
    """UTCTime through 2049, GeneralizedTime from 2050 on, as RFC 5280 demands."""
    moment = moment.astimezone(UTC)
    if 1950 <= moment.year < 2050:
        return encode(UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return encode(GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode())
