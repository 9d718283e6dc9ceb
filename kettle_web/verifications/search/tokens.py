"""What a build can be found by, as texts of the dictionary, and the numbers that stand for them. No database here.

A number is a row's id and what kind of row it is, so that terms, repositories, packages and owners never collide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum, StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

TEXT_MAX: Final = 300
"""Characters of a term; of a longer text its beginning is kept, and a search for more of it finds nothing."""
TERMS_MAX: Final = 4096
"""Of one build, beside its packages: 1,024 files and what else there is, with room to spare."""


class Family(IntEnum):
    """Whose id a number carries."""

    TERM = 0
    REPOSITORY = 1
    PACKAGE = 2
    OWNER = 3


class Kind(StrEnum):
    """What a term is. Those that begin the list are chosen in filters; the others are typed."""

    ALL = "all"
    """One term, which every build has: what is asked for may consist of exclusions only."""
    VERDICT = "verdict"
    STATE = "state"
    PLATFORM = "platform"
    TOOLCHAIN = "toolchain"
    ORIGIN = "origin"
    ADDRESS = "address"
    """Host or one step of the path of a source address."""
    LABEL = "label"
    FILE = "file"
    """Name of an artifact."""
    SOURCE = "source"
    """Name of an uploaded archive."""
    REF = "ref"
    DEPENDENCY = "dependency"
    TOOL = "tool"
    """Version of a tool, in the spellings that people type: whole, name and number, number alone."""
    TOOL_DIGEST = "tool-digest"
    MEASUREMENT = "measurement"
    CHIP = "chip"
    PCR = "pcr"
    RTMR = "rtmr"


CHOSEN: Final = (Kind.ALL, Kind.VERDICT, Kind.STATE, Kind.PLATFORM, Kind.TOOLCHAIN, Kind.ORIGIN)
"""Never meant by free text: «failed» may be a word of a label, and the verdict has a filter."""
PARTS: Final = (Kind.ADDRESS, Kind.LABEL, Kind.FILE, Kind.SOURCE)
"""Found by any part of them that has three letters."""

TermKey = tuple[str, str]
"""Kind, text."""
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+[\w.+-]*")


def token(family: Family, pk: int) -> int:
    return pk * len(Family) + family


def token_split(value: int) -> tuple[Family, int]:
    """Give whose id it is, and the id."""
    return Family(value % len(Family)), value // len(Family)


def term_text(text: str) -> str:
    """Give a text as the dictionary has it: without case and outer blanks, and never too long."""
    return text.strip().lower()[:TEXT_MAX]


def address_parts(url: str) -> tuple[str, ...]:
    """Give host and steps of the path; an address of no known form is one part."""
    try:
        parts = urlsplit(url.removeprefix("git+"))
        host = parts.hostname or ""
    except ValueError:
        return (term_text(url),)
    if not host:
        return tuple(term_text(part) for part in url.split("/") if part)
    return (host, *(term_text(step) for step in parts.path.removesuffix(".git").split("/") if step))


def tool_spellings(name: str, version: str) -> Iterator[str]:
    """Give what people may type for `rustc 1.93.1 (01f6ddf75 2026-02-11)`."""
    yield version
    if found := _VERSION.search(version):
        yield found.group()
        yield f"{name} {found.group()}"
        yield f"{name}@{found.group()}"


def term_keys(pairs: Iterable[tuple[Kind, object]]) -> set[TermKey]:
    """Give the keys of the terms to store: texts only, none empty, no more than `TERMS_MAX`."""
    keys: set[TermKey] = set()
    for kind, value in pairs:
        text = term_text(value) if isinstance(value, str) else ""
        if text and len(keys) < TERMS_MAX:
            keys.add((kind.value, text))
    return keys


def evidence_terms(claims: dict[str, Any]) -> Iterator[tuple[Kind, object]]:
    """Give what evidence says by name. Registers that were never extended say nothing."""
    yield Kind.MEASUREMENT, claims.get("measurement")
    yield Kind.CHIP, chip_id(claims)
    for kind, name in ((Kind.PCR, "pcrs"), (Kind.RTMR, "rtmrs")):
        values = claims.get(name)
        for value in values if isinstance(values, list) else ():
            if isinstance(value, str) and value.strip("0") and value.lower().strip("f"):
                yield kind, value


def chip_id(claims: dict[str, Any]) -> str:
    """Give the machine's name in hex; empty: none, or masked (all zero)."""
    value = claims.get("chip_id")
    return value if isinstance(value, str) and value.strip("0") else ""


def provenance_terms(provenance: dict[str, Any]) -> Iterator[tuple[Kind, object]]:
    """Give what the provenance says by name."""
    yield Kind.TOOLCHAIN, provenance.get("toolchain")
    for tool in provenance.get("tools", []):
        yield Kind.TOOL_DIGEST, tool.get("sha256")
        for spelling in tool_spellings(str(tool.get("name", "")), str(tool.get("version", ""))):
            yield Kind.TOOL, spelling
    for item in provenance.get("dependencies", []):
        yield Kind.DEPENDENCY, item.get("name")
