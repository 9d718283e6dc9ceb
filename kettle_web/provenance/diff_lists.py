"""What came, went and changed between two lists of dependencies or files. Every entry of both ends up in exactly one place.

A lockfile may hold one package in several versions, and nix names many fetches alike. So entries that are wholly equal are set aside
first; of the rest, one with the same version on both sides changed in its digest or address, and what is left of a package is
paired version by version from the newest down.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar


class Change(StrEnum):
    """What differs between two entries that belong together; the first that applies."""

    DIGEST = "digest"
    """Same name and version, other bytes."""
    VERSION = "version"
    ADDRESS = "address"
    """Same name, version and digest, from elsewhere."""
    SIZE = "size"
    """Of a file: same digest, other size, which cannot be and is said all the same."""


@dataclass(frozen=True)
class Entry:
    """A dependency, as `provenance.summary` gives it. Empty texts mean «not stated»."""

    ecosystem: str
    name: str
    version: str
    uri: str
    digest: str


@dataclass(frozen=True)
class File:
    name: str
    sha256: str
    """Hex, as the provenance states it; empty: not readable."""
    size: int | None
    """Of the stored bytes; None: they are not here."""


T = TypeVar("T", Entry, File)


@dataclass(frozen=True)
class Pair(Generic[T]):
    """One thing on both sides."""

    left: T
    right: T
    change: Change


@dataclass(frozen=True)
class Lists(Generic[T]):
    added: tuple[T, ...] = ()
    """On the right only. All four are in the order of names, then versions."""
    removed: tuple[T, ...] = ()
    """On the left only."""
    changed: tuple[Pair[T], ...] = ()
    unchanged: tuple[T, ...] = ()
    left_count: int = field(default=0)
    right_count: int = field(default=0)

    @property
    def is_same(self) -> bool:
        return not (self.added or self.removed or self.changed)


def entries(provenance: Mapping[str, Any]) -> list[Entry]:
    """The dependencies of a summary."""
    return [
        Entry(str(item["ecosystem"]), str(item["name"]), str(item["version"]), str(item["uri"]), str(item["digest"]))
        for item in provenance.get("dependencies", [])
    ]


def dependencies_diff(left: Iterable[Entry], right: Iterable[Entry]) -> Lists[Entry]:
    """Compare dependencies; in time that grows with their number and the sorting of it."""
    before, after = Counter(left), Counter(right)
    both = before & after
    packages: defaultdict[tuple[str, str], tuple[list[Entry], list[Entry]]] = defaultdict(lambda: ([], []))
    for side, rest in enumerate((before - both, after - both)):
        for entry in rest.elements():
            packages[entry.ecosystem, entry.name][side].append(entry)
    changed: list[Pair[Entry]] = []
    removed: list[Entry] = []
    added: list[Entry] = []
    for mine, theirs in packages.values():
        changed += _same_version(mine, theirs)
        changed += _other_version(mine, theirs)
        removed += mine
        added += theirs
    return Lists(
        added=tuple(sorted(added, key=_order)),
        removed=tuple(sorted(removed, key=_order)),
        changed=tuple(sorted(changed, key=lambda pair: (_order(pair.left), _order(pair.right)))),
        unchanged=tuple(sorted(both.elements(), key=_order)),
        left_count=before.total(),
        right_count=after.total(),
    )


def _same_version(mine: list[Entry], theirs: list[Entry]) -> list[Pair[Entry]]:
    """Take out what has one version on both sides: with the same digest first, then from the same address, then as they sort.

    Without versions, only a single one on each side is the same thing.
    """
    is_single = len(mine) == len(theirs) == 1
    pairs: list[Pair[Entry]] = []
    for key in (_by_digest, _by_address, _by_version):
        places: defaultdict[Hashable, tuple[list[Entry], list[Entry]]] = defaultdict(lambda: ([], []))
        for side, found in enumerate((mine, theirs)):
            for entry in sorted(found, key=_order):
                if entry.version or is_single:
                    places[key(entry)][side].append(entry)
        found_now = [
            Pair(left, right, Change.ADDRESS if left.digest == right.digest else Change.DIGEST)
            for both in places.values()
            for left, right in zip(*both, strict=False)
        ]
        _take_out(found_now, mine, theirs)
        pairs += found_now
    return pairs


def _take_out(pairs: Iterable[Pair[Entry]], mine: list[Entry], theirs: list[Entry]) -> None:
    """At once and not one by one: a hostile document has one package a hundred thousand times."""
    mine[:] = (Counter(mine) - Counter(pair.left for pair in pairs)).elements()
    theirs[:] = (Counter(theirs) - Counter(pair.right for pair in pairs)).elements()


def _by_digest(entry: Entry) -> Hashable:
    return (entry.version, entry.digest)


def _by_address(entry: Entry) -> Hashable:
    return (entry.version, entry.uri)


def _by_version(entry: Entry) -> Hashable:
    return entry.version


def _other_version(mine: list[Entry], theirs: list[Entry]) -> list[Pair[Entry]]:
    versioned = ([entry for entry in side if entry.version] for side in (mine, theirs))
    newest_first = (sorted(side, key=_order, reverse=True) for side in versioned)
    pairs = [Pair(left, right, Change.VERSION) for left, right in zip(*newest_first, strict=False)]
    _take_out(pairs, mine, theirs)
    return pairs


def files(provenance: Mapping[str, Any], sizes: Mapping[str, int]) -> list[File]:
    """The subjects of a summary. `sizes`: SHA-256 in hex to bytes, of files that are stored."""
    return [File(str(item["name"]), str(item["sha256"]), sizes.get(str(item["sha256"]))) for item in provenance.get("subjects", [])]


def files_diff(left: Iterable[File], right: Iterable[File]) -> Lists[File]:
    """Compare files by name. A size that only one side knows is no difference."""
    names: defaultdict[str, tuple[list[File], list[File]]] = defaultdict(lambda: ([], []))
    for side, found in enumerate((left, right)):
        for file in found:
            names[file.name][side].append(file)
    pairs: list[tuple[File, File]] = []
    removed: list[File] = []
    added: list[File] = []
    for name in sorted(names):
        same, mine, theirs = _by_bytes(*names[name])
        pairs += [*same, *zip(mine, theirs, strict=False)]
        removed += mine[len(theirs) :]
        added += theirs[len(mine) :]
    unchanged = tuple(a for a, b in pairs if _is_same_file(a, b))
    changed = (Pair(a, b, Change.SIZE if a.sha256 == b.sha256 else Change.DIGEST) for a, b in pairs if not _is_same_file(a, b))
    counts = [sum(len(both[side]) for both in names.values()) for side in (0, 1)]
    return Lists(tuple(added), tuple(removed), tuple(changed), unchanged, *counts)


def _by_bytes(mine: list[File], theirs: list[File]) -> tuple[list[tuple[File, File]], list[File], list[File]]:
    """Files of one name: those with one digest side by side, and what is left of each side."""
    digests: defaultdict[str, tuple[list[File], list[File]]] = defaultdict(lambda: ([], []))
    for side, found in enumerate((mine, theirs)):
        for file in sorted(found, key=_file_order):
            digests[file.sha256][side].append(file)
    pairs: list[tuple[File, File]] = []
    left: list[File] = []
    right: list[File] = []
    for a, b in digests.values():
        pairs += zip(a, b, strict=False)
        left += a[len(b) :]
        right += b[len(a) :]
    return pairs, sorted(left, key=_file_order), sorted(right, key=_file_order)


def _is_same_file(left: File, right: File) -> bool:
    """Digests that cannot be read are never the same."""
    return bool(left.sha256) and left.sha256 == right.sha256 and (left.size == right.size or None in (left.size, right.size))


def _file_order(file: File) -> tuple[Hashable, ...]:
    return (file.name, file.sha256, file.size or -1)


_PARTS = re.compile(r"[0-9]{1,18}|[^0-9.]+", re.ASCII)


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """A key that puts 1.10 after 1.9, and 1.0-rc before 1.0. Good for lists; no ecosystem's exact rule."""
    parts = [(2, int(part), "") if part[0] in "0123456789" else (0, 0, part) for part in _PARTS.findall(version)]
    # The end sorts after a text that follows («-rc»), and before a number.
    return (*parts, (1, 0, ""))


def _order(entry: Entry) -> Any:
    return (entry.ecosystem, entry.name, version_order(entry.version), entry.version, entry.uri, entry.digest)
