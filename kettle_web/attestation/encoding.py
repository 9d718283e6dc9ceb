"""Text to bytes, canonical forms only: base64, base64url, hex, and JSON without its traps.

Python's decoders drop illegal characters, accept non-zero trailing bits, duplicate keys, NaN and UTF-16. Each would leave text that
can be changed without any check noticing, so whatever was decoded is encoded again and compared.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final, NoReturn

from .checks import Malformed

MAX_FIELD_CHARACTERS: Final = 1_048_576
"""Of one encoded field; the largest real one has some 7,000. Source: evidence facts, section 0 (the reference verifier's cap)."""


_FROM_URL_ALPHABET: Final = bytes.maketrans(b"-_+/", b"+/!!")
"""Standard base64 of base64url; the two characters that only the former has become one that neither has."""


def base64_decode(text: object, what: str) -> bytes:
    """Standard alphabet, padding required, trailing bits zero."""
    checked = _field_text(text, what)
    try:
        data = base64.b64decode(checked, validate=True)
    except ValueError as error:
        raise Malformed("encoding.base64", f"{what} is not base64.") from error
    if binascii.b2a_base64(data, newline=False) != checked.encode():
        raise Malformed("encoding.base64", f"{what} is not base64 in its canonical form.")
    return data


def base64url_decode(text: object, what: str, *, padding: bool = True) -> bytes:
    """URL alphabet; correct padding may be there or be left out (both occur in genuine evidence), or must be out: `padding=False`."""
    checked = _field_text(text, what)
    bare = checked.rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    if checked != bare and not (padding and checked == padded):
        raise Malformed("encoding.base64url", f"{what} has wrong base64url padding.")
    standard = padded.encode().translate(_FROM_URL_ALPHABET)
    try:
        data = binascii.a2b_base64(standard)
    except ValueError as error:
        raise Malformed("encoding.base64url", f"{what} is not base64url.") from error
    if binascii.b2a_base64(data, newline=False) != standard:
        raise Malformed("encoding.base64url", f"{what} is not base64url in its canonical form.")
    return data


def hex_decode(text: object, what: str) -> bytes:
    """Hex digits in either case, nothing between them (`bytes.fromhex` would skip white space)."""
    try:
        return binascii.unhexlify(_field_text(text, what))
    except ValueError as error:
        raise Malformed("encoding.hex", f"{what} is not hexadecimal.") from error


def json_decode(data: bytes, what: str) -> Any:
    """The JSON value of strict UTF-8 `data`; duplicate keys, NaN, infinities and a byte order mark are refused."""
    try:
        return _DECODER.decode(data.decode("utf-8"))
    except Malformed as error:
        raise Malformed(error.code, f"{what}: {error}") from error
    except UnicodeDecodeError as error:
        raise Malformed("encoding.utf8", f"{what} is not UTF-8 text.") from error
    except ValueError as error:
        raise Malformed("encoding.json", f"{what} is not JSON.") from error
    except RecursionError as error:
        raise Malformed("encoding.json", f"{what} is JSON nested too deeply.") from error


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("encoding.duplicate-key", "A JSON object has the same key twice.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed("encoding.json", f"{name} is not JSON.")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object_without_duplicates, parse_constant=_refuse_constant)
"""Made once: `json.loads` makes a new one in every call that has hooks."""


def _field_text(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise Malformed("encoding.not-text", f"{what} is not text.")
    if len(text) > MAX_FIELD_CHARACTERS:
        raise Malformed("encoding.too-long", f"{what} has more than {MAX_FIELD_CHARACTERS} characters.")
    if not text.isascii():
        raise Malformed("encoding.not-ascii", f"{what} has characters outside ASCII.")
    return text
