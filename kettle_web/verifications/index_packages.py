"""Writes which packages a build contains: names, versions and digests, made where they are new."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from kettle_web.verifications.clean import text_storable
from kettle_web.verifications.models import BuildPackage, Package, PackageDigest

BATCH: Final = 1000
"""Names in one query."""

PackageKey = tuple[str, str, str]
"""Ecosystem, name, version."""


def packages_write(*, build_id: int, dependencies: Iterable[dict[str, Any]]) -> list[int]:
    """Replace the packages of a build; `dependencies` as in `provenance.summary`. Give the ids of the packages."""
    stated: dict[PackageKey, set[str]] = {}
    for item in dependencies:
        stated.setdefault(_package_key(item), set()).add(text_storable(str(item.get("digest", "")), 200))
    ids = _packages(stated.keys())
    single = {ids[key]: next(iter(digests)) for key, digests in stated.items() if len(digests) == 1}
    digest_ids = _digests({(ids[key], digest) for key, digests in stated.items() for digest in digests if digest})
    BuildPackage.objects.filter(build_id=build_id).delete()
    rows = [
        BuildPackage(build_id=build_id, package_id=pk, digest_id=digest_ids.get((pk, single.get(pk, "")))) for pk in sorted(ids.values())
    ]
    BuildPackage.objects.bulk_create(rows, batch_size=BATCH)
    return sorted(ids.values())


def _digests(pairs: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    known = _digests_known(pairs)
    if missing := sorted(pairs - known.keys()):
        rows = [PackageDigest(package_id=package_id, digest=digest) for package_id, digest in missing]
        PackageDigest.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
        known |= _digests_known(set(missing))
    return known


def _digests_known(pairs: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    packages = sorted({package_id for package_id, _digest in pairs})
    found: dict[tuple[int, str], int] = {}
    for start in range(0, len(packages), BATCH):
        rows = PackageDigest.objects.filter(package_id__in=packages[start : start + BATCH])
        found |= {(package_id, digest): pk for pk, package_id, digest in rows.values_list("pk", "package_id", "digest")}
    return {pair: pk for pair, pk in found.items() if pair in pairs}


def _package_key(item: dict[str, Any]) -> PackageKey:
    return (
        text_storable(str(item.get("ecosystem", "")), 20),
        text_storable(str(item.get("name", "")), 300),
        text_storable(str(item.get("version", "")), 200),
    )


def _packages(wanted: Iterable[PackageKey]) -> dict[PackageKey, int]:
    """Give the ids of the packages, made where they are new."""
    keys = set(wanted)
    known = _packages_known(keys)
    # In one order everywhere, so that two builds that store the same new packages do not wait for each other for ever.
    missing = sorted(keys - known.keys())
    if missing:
        rows = [Package(ecosystem=ecosystem, name=name, version=version) for ecosystem, name, version in missing]
        Package.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
        known |= _packages_known(set(missing))
    return known


def _packages_known(keys: set[PackageKey]) -> dict[PackageKey, int]:
    names = sorted({name for _ecosystem, name, _version in keys})
    versions = sorted({version for _ecosystem, _name, version in keys})
    found: dict[PackageKey, int] = {}
    for start in range(0, len(names), BATCH):
        rows = Package.objects.filter(name__in=names[start : start + BATCH])
        if len(versions) <= BATCH:
            rows = rows.filter(version__in=versions)
        for pk, ecosystem, name, version in rows.values_list("pk", "ecosystem", "name", "version"):
            if (ecosystem, name, version) in keys:
                found[ecosystem, name, version] = pk
    return found
