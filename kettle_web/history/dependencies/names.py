"""Names of packages: where nix says name and version in one word, and which stored packages a wanted one means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from kettle_web.history.dependencies.lists import WantedPackage
from kettle_web.verifications.models import Package

MAX_PACKAGES: Final = 10_000
"""Versions that one list may match."""
MAX_NIX: Final = 50_000
"""Names of nix that are looked through in one question."""
BATCH: Final = 500
_DRV = re.compile(r"(?P<name>.+?)-(?P<version>\d.*)")
_ENDINGS = re.compile(r"(\.(tar|tgz|tbz2?|txz|zip|crate|gem|whl|gz|bz2|xz|zst|lz|patch|diff|drv|git|src|orig))+$", re.IGNORECASE)


@dataclass(frozen=True)
class KnownPackage:
    """A stored package as it is spoken of."""

    pk: int
    ecosystem: str
    name: str
    version: str
    """Of nix: read from the name, which is all that the provenance states. Empty: none is stated."""


def nix_split(text: str) -> tuple[str, str]:
    """Give name and version of `xz-5.6.1.tar.xz`: nix cuts at the first dash that a digit follows.

    Source: Nix manual, `builtins.parseDrvName`; endings of archives are left out.
    """
    found = _DRV.fullmatch(text)
    return (text, "") if found is None else (found["name"], _ENDINGS.sub("", found["version"]))


def known(row: tuple[int, str, str, str]) -> KnownPackage:
    pk, ecosystem, name, version = row
    if ecosystem == "nix" and not version:
        name, version = nix_split(name)
    return KnownPackage(pk, ecosystem, name, version)


def packages_named(ecosystem: str, name: str) -> list[KnownPackage]:
    """Give every stored version of a package, in no order; at most `MAX_PACKAGES`."""
    wanted = Q(ecosystem=ecosystem, name=name)
    if ecosystem == "nix":
        wanted |= Q(ecosystem="nix", name__startswith=f"{name}-")
    rows = Package.objects.filter(wanted).values_list("pk", "ecosystem", "name", "version")[:MAX_PACKAGES]
    return [package for package in map(known, rows) if package.name == name]


@dataclass(frozen=True)
class Matches:
    """Stored packages that a list means."""

    by_wanted: dict[WantedPackage, tuple[KnownPackage, ...]]
    is_cut: bool
    """More than `MAX_PACKAGES` match, or nix has more than `MAX_NIX` names; the rest was not looked at."""

    @property
    def keys(self) -> list[int]:
        return sorted({package.pk for packages in self.by_wanted.values() for package in packages})


def packages_wanted(wanted: Iterable[WantedPackage]) -> Matches:
    """Give the stored packages that each entry of a list means: one query for every 500 names, and one for nix."""
    by_name: dict[str, list[WantedPackage]] = {}
    for entry in wanted:
        for name in {entry.name, entry.name.lower()}:
            by_name.setdefault(name, []).append(entry)
    found: dict[WantedPackage, dict[int, KnownPackage]] = {entry: {} for entries in by_name.values() for entry in entries}
    names, count, is_cut = sorted(by_name), 0, False
    rows: list[tuple[int, str, str, str]] = []
    columns = ("pk", "ecosystem", "name", "version")
    for start in range(0, len(names), BATCH):
        rows += Package.objects.filter(name__in=names[start : start + BATCH]).values_list(*columns)[: MAX_PACKAGES + 1]
    if any(entry.ecosystem in ("", "nix") for entries in by_name.values() for entry in entries):
        nix = list(Package.objects.filter(ecosystem="nix", version="").values_list(*columns)[: MAX_NIX + 1])
        is_cut = len(nix) > MAX_NIX
        rows += nix
    for row in rows:
        package = known(row)
        for entry in by_name.get(package.name, ()):
            if entry.ecosystem in ("", package.ecosystem) and entry.spec.holds(package.version) and package.pk not in found[entry]:
                count += 1
                if count > MAX_PACKAGES:
                    return Matches({entry: tuple(rows.values()) for entry, rows in found.items()}, True)
                found[entry][package.pk] = package
    return Matches({entry: tuple(packages.values()) for entry, packages in found.items()}, is_cut)
