"""Seeded mutations of bundles, each of one kind at one place."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from kettle_web.builder.attesters.simulated import simulated_evidence
from kettle_web.provenance.serialise import provenance_to_bytes, provenance_to_compact_bytes
from tests.fakes import hcl
from tests.sharing.js_bundles import Bundle, signed


def mutated(seeds: list[Bundle], count: int, seed: int) -> Iterator[Bundle]:
    """Mutations of bundles, each of one kind at one place; the same for the same seed."""
    chance = random.Random(seed)
    kinds: tuple[Callable[[random.Random, Bundle], Bundle | None], ...] = (
        _evidence_field,
        _evidence_field,
        _evidence_field,
        _evidence_json,
        _evidence_text,
        _provenance_json,
        _provenance_json,
        _provenance_text,
    )
    made = 0
    while made < count:
        base, kind = chance.choice(seeds), chance.choice(kinds)
        found = kind(chance, base)
        if found is not None:
            made += 1
            yield replace(found, name=f"{base.name}: {kind.__name__} {made}")


def _flipped(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _bytes_changed(chance: random.Random, data: bytes) -> bytes:
    """One bit flipped, an end cut off, some bytes put in or taken out."""
    if not data:
        return b"\0"
    at = chance.randrange(len(data))
    return chance.choice(
        (
            _flipped(chance, data),
            _flipped(chance, data),
            data[:at],
            data[:at] + chance.randbytes(chance.randrange(1, 4)) + data[at:],
            data[:at] + data[at + chance.randrange(1, 4) :],
            data + bytes(chance.randrange(1, 3)),
        )
    )


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(item, (*path, key))


def _evidence_field(chance: random.Random, base: Bundle) -> Bundle | None:
    """A decoded field with some bytes changed and encoded again, so that the change reaches the format's own reader."""
    if base.evidence is None:
        return None
    document = json.loads(base.evidence)
    evidence = document["evidence"]
    texts = [path for path in _places(evidence) if isinstance(_at(evidence, path), str) and len(_at(evidence, path)) >= 64]
    if not texts:
        return None
    # The 24 registers count as one field.
    field = chance.choice(sorted({path[:2] for path in texts}))
    path = chance.choice([path for path in texts if path[:2] == field])
    text = _at(evidence, path)
    if path[0] == "tpm_quote" or (document["platform"] == "dstack" and path[0] == "quote" and len(text) % 2 == 0):
        decode, encode = bytes.fromhex, bytes.hex
    elif document["platform"].startswith("az-"):
        decode, encode = _url_decode, hcl.base64url
    else:
        decode, encode = base64.b64decode, lambda data: base64.b64encode(data).decode()
    try:
        _put(evidence, path, encode(_bytes_changed(chance, decode(text))))
    except ValueError:
        return None
    return replace(base, evidence=json.dumps(document).encode())


def _url_decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    2,
    -1,
    1.0,
    1e22,
    "",
    "x",
    "00",
    "é",
    "\u0000",
    " ",
    "AAAA",
    "=",
    [],
    {},
    ["x"],
    {"x": 1},
    "a" * 70,
    2**70,
)


def _edited(chance: random.Random, document: Any) -> None:
    """One member replaced, renamed, taken out, doubled or moved."""
    path = chance.choice(list(_places(document)))
    parent = _at(document, path[:-1])
    what = chance.randrange(5)
    if what <= 1:
        parent[path[-1]] = copy.deepcopy(chance.choice(_VALUES))
    elif what == 2:
        del parent[path[-1]]
    elif isinstance(parent, list):
        parent.insert(chance.randrange(len(parent) + 1), copy.deepcopy(parent[path[-1]]))
    else:
        parent[str(path[-1]) + chance.choice(("2", "", " "))] = parent.pop(path[-1])


def _evidence_json(chance: random.Random, base: Bundle) -> Bundle | None:
    if base.evidence is None:
        return None
    document = json.loads(base.evidence)
    _edited(chance, document)
    return replace(base, evidence=json.dumps(document, ensure_ascii=chance.random() < 0.5).encode())


def _evidence_text(chance: random.Random, base: Bundle) -> Bundle | None:
    return None if base.evidence is None else replace(base, evidence=_text_changed(chance, base.evidence))


def _provenance_json(chance: random.Random, base: Bundle) -> Bundle | None:
    """The document edited, and the simulated evidence made for the edited one every other time, so that the rest is looked at too."""
    if base.provenance is None:
        return None
    document = json.loads(base.provenance)
    if chance.random() < 0.7:
        _edited(chance, document)
    else:
        _text_edited(chance, document)
    data = provenance_to_bytes(document)
    evidence = simulated_evidence(signed(data, 48)) if chance.random() < 0.3 else base.evidence
    if chance.random() < 0.2:
        compact = provenance_to_compact_bytes(document)
        evidence = simulated_evidence(hashlib.sha256(compact).digest())
    return replace(base, provenance=data, evidence=evidence)


_PIECES = (
    "é",
    "\u0301",
    "A",
    "ß",
    "\u202e",
    "\u00a0",
    " ",
    ".",
    "/",
    "@",
    ":",
    "?",
    "#",
    "[",
    "]",
    "'",
    '"',
    "\\",
    "\t",
    "\u3164",
    "İ",
    "%",
    "=",
    "-",
    "sha256:",
    "\U0001f600",
    "0",
    "\u2100",
    "+00:00",
    "Z",
)


def _text_edited(chance: random.Random, document: Any) -> None:
    """Letters put into a text, or taken out of it."""
    texts = [path for path in _places(document) if isinstance(_at(document, path), str)]
    path = chance.choice(texts)
    text = _at(document, path)
    at = chance.randrange(len(text) + 1)
    cut = chance.randrange(3)
    _put(document, path, text[:at] + "".join(chance.choices(_PIECES, k=chance.randrange(3))) + text[at + cut :])


def _provenance_text(chance: random.Random, base: Bundle) -> Bundle | None:
    return None if base.provenance is None else replace(base, provenance=_text_changed(chance, base.provenance))


_TEXTS = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b'"\\u0000"',
    b'"\\ud800"',
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xed\xa0\x80",
    b"01",
    b"1.",
    b"-",
    b"-0",
    b"1E5",
    b"{}",
    b"[",
    b"]",
    b"}",
    b",",
    b'"',
    b":",
    b"\\",
    b"\\u00e9",
    b"\x00",
    b"\x1f",
    b"/",
    b"tru",
    b'{"a":1,"a":2}',
    b"[" * 70 + b"]" * 70,
    b" \n",
    b"9" * 4301,
    b'"\\u12"',
    b"\\u003a",
    b"1.5e-7",
    b"123456789012345678901234567890",
)


def _text_changed(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    pick = chance.randrange(4)
    if pick == 0:
        return _flipped(chance, data)
    if pick == 1:
        return data[:at]
    piece = chance.choice(_TEXTS)
    if pick == 2:
        return data[:at] + piece + data[at + chance.randrange(3) :]
    # In place of a whole value, so that it stands where a value may.
    start = data.find(b": ", at) + 2
    end = min((place for place in (data.find(mark, start) for mark in (b",", b"\n", b"}")) if place > 0), default=len(data))
    return data[:start] + piece + data[end:]


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    _at(value, path[:-1])[path[-1]] = new
