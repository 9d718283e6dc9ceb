"""Versions in order, and ranges of them. No database here.

Cargo and npm number by Semantic Versioning 2.0.0, and where both sides do, its order is used. Anything else is compared piece by
piece, numbers as numbers and words as words: a guess, and pages say so. A range counts prereleases where they stand in the order
(`5.6.2-rc.1` is below `5.6.2`): who looks for what is affected must rather find one too many.

Source: semver.org 2.0.0, sections 9 to 11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Final

MAX_TEXT: Final = 200
MAX_PARTS: Final = 40
"""Conditions in one range."""
ORDERED: Final = frozenset({"cargo", "npm"})
"""Ecosystems whose versions are semantic."""
_NUMBER = r"(0|[1-9]\d{0,17})"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_PIECE = re.compile(r"\d+|[A-Za-z]+")
_OR = re.compile(r"\s*(?:\|\||\bor\b|;)\s*")
_COMPARATOR = re.compile(r"(>=|<=|!=|==|=|>|<|\^|~>|~)?\s*v?([0-9A-Za-z][0-9A-Za-z.+_~*-]*|\*)")

Key = tuple[object, ...]


class SpecError(ValueError):
    """A text is no range of versions."""


def semver_key(text: str) -> Key | None:
    """Give what Semantic Versioning orders by; None: the text is no such version. What follows `+` does not count."""
    found = _SEMVER.fullmatch(text)
    if found is None:
        return None
    release = tuple(int(part) for part in found.group(1, 2, 3))
    if found[4] is None:
        # A release is above all of its prereleases.
        return (*release, 1, ())
    return (*release, 0, tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in found[4].split(".")))


def piece_key(text: str) -> Key:
    """Give an order for any text: pieces of digits as numbers, above words; a missing piece is above a word and below a number."""
    pieces: list[Key] = []
    for piece in _PIECE.findall(text[:MAX_TEXT]):
        if not piece.isdigit():
            _zeros_drop(pieces)
        pieces.append((2, int(piece), "") if piece.isdigit() else (0, 0, piece.lower()))
    _zeros_drop(pieces)
    return (*pieces, (1, 0, ""))


def _zeros_drop(pieces: list[Key]) -> None:
    """1.2 and 1.2.0 are one version to those who write so, and 1.2.0-rc1 stands below both."""
    while pieces and pieces[-1] == (2, 0, ""):
        pieces.pop()


@total_ordering
class Version:
    """One version, to be compared with others of any kind."""

    __slots__ = ("pieces", "semver", "text")

    def __init__(self, text: str) -> None:
        self.text = text[:MAX_TEXT]
        self.semver = semver_key(self.text)
        self.pieces = piece_key(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._keys(other)[0] == self._keys(other)[1]

    def __lt__(self, other: Version) -> bool:
        mine, others = self._keys(other)
        return mine < others

    def _keys(self, other: Version) -> tuple[Key, Key]:
        if self.semver is not None and other.semver is not None:
            return self.semver, other.semver
        return self.pieces, other.pieces

    __hash__ = None  # type: ignore[assignment]


def sort_key(text: str) -> tuple[Key, str]:
    """Give one order over all versions of a list, whatever they look like."""
    return piece_key(text), text


def is_ordered(ecosystem: str, text: str) -> bool:
    """Whether the place of a version is known and not guessed."""
    return ecosystem in ORDERED and semver_key(text) is not None


@dataclass(frozen=True)
class Comparator:
    sign: str
    """`=`, `!=`, `<`, `<=`, `>`, `>=`."""
    text: str

    def holds(self, version: Version) -> bool:
        if self.sign in ("=", "!="):
            same = self.text == version.text or Version(self.text) == version
            return same is (self.sign == "=")
        bound = Version(self.text)
        return {"<": version < bound, "<=": version <= bound, ">": version > bound, ">=": version >= bound}[self.sign]


@dataclass(frozen=True)
class Spec:
    """A range: one alternative must hold whole. No alternative at all: any version."""

    alternatives: tuple[tuple[Comparator, ...], ...] = ()

    def holds(self, text: str) -> bool:
        version = Version(text)
        return not self.alternatives or any(all(part.holds(version) for part in parts) for parts in self.alternatives)

    @property
    def exact(self) -> tuple[str, ...]:
        """The versions, where the range names nothing but versions; empty otherwise."""
        if all(len(parts) == 1 and parts[0].sign == "=" for parts in self.alternatives):
            return tuple(parts[0].text for parts in self.alternatives)
        return ()

    def __str__(self) -> str:
        return " || ".join(",".join(f"{'' if part.sign == '=' else part.sign}{part.text}" for part in parts) for parts in self.alternatives)


ANY: Final = Spec()


def spec_parse(text: str) -> Spec:
    """Read `>=5.6.0,<5.6.2`, `5.6.0 or 5.6.1`, `5.6.0, 5.6.1`, `^1.2`, `~1.2`, `1.2.*`. An empty text: any version. Raises `SpecError`."""
    text = text.strip()
    if len(text) > MAX_TEXT * 10:
        raise SpecError("too long")
    if text in ("", "*"):
        return ANY
    alternatives: list[tuple[Comparator, ...]] = []
    for part in _OR.split(text):
        alternatives += _alternative(part)
    if not alternatives or sum(map(len, alternatives)) > MAX_PARTS:
        raise SpecError("nothing to compare with" if not alternatives else "too many conditions")
    return Spec(tuple(alternatives))


def _alternative(text: str) -> list[tuple[Comparator, ...]]:
    found, at = [], 0
    for match in _COMPARATOR.finditer(text):
        if text[at : match.start()].strip(" ,\t"):
            raise SpecError(f"«{text[at : match.start()].strip()}» is no condition")
        found.append((match[1] or "", match[2]))
        at = match.end()
    if text[at:].strip(" ,\t") or not found:
        raise SpecError(f"«{text.strip()[:60]}» is no range of versions")
    if len(found) > 1 and all(not sign and "*" not in version for sign, version in found):
        # «5.6.0, 5.6.1»: nobody means a version that is both.
        return [(Comparator("=", version),) for _sign, version in found]
    return [tuple(comparator for sign, version in found for comparator in _comparators(sign, version))]


def _comparators(sign: str, version: str) -> tuple[Comparator, ...]:
    if version.endswith(".*") and sign in ("", "=", "=="):
        return _between(version[:-2], version[:-2].count("."))
    if "*" in version:
        raise SpecError(f"«{sign}{version}» is no condition")
    if sign == "^":
        numbers = _release(version)
        first = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
        return _between(version, first)
    if sign in ("~", "~>"):
        return _between(version, min(1, version.count(".")))
    return (Comparator({"": "=", "==": "="}.get(sign, sign), version),)


def _between(version: str, at: int) -> tuple[Comparator, ...]:
    """From a version up to the next one of its piece number `at`."""
    numbers = _release(version)[: at + 1]
    top = [*numbers[:-1], numbers[-1] + 1]
    full = [*_release(version)]
    low = version if semver_key(version) else ".".join(map(str, [*full, 0, 0][:3] if len(full) < 3 else full))
    # Below every prerelease of the next: those belong to the next.
    return Comparator(">=", low), Comparator("<", ".".join(map(str, [*top, 0, 0][:3] if len(top) < 3 else top)) + "-0")


def _release(version: str) -> list[int]:
    found = re.match(r"\d{1,18}(?:\.\d{1,18})*", version)
    if found is None:
        raise SpecError(f"«{version}» does not begin with a number")
    return [int(part) for part in found[0].split(".")]
