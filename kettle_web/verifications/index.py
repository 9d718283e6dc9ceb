"""Writes the search index of one build, in the transaction of its report.

The number of queries does not grow with the artifacts or dependencies, except by one for every thousand.
"""

from __future__ import annotations

import re
from typing import Any, Final

from kettle_web.builds.models import Build
from kettle_web.verification.report import ArtifactResult, Report
from kettle_web.verifications.clean import text_exact, text_storable
from kettle_web.verifications.models import Artifact, BuildIndex, BuildPackage, Package, Repository

BATCH: Final = 1000
"""Names in one query."""
MAX_URL_BYTES: Final = 2000
"""PostgreSQL's index takes no longer entry."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def index_write(*, build: Build, report: Report, stored: dict[str, int]) -> None:
    """Replace what the index says of this build. `stored`: SHA-256 in hex to size, of artifacts whose bytes are kept."""
    provenance: dict[str, Any] = report.provenance or {}
    dependencies = provenance.get("dependencies", [])
    url = provenance.get("source_uri") or build.repo_url
    BuildIndex.objects.update_or_create(
        build=build,
        defaults={
            "repository": _repository(str(url)) if url else None,
            "git_commit": text_exact(provenance.get("git_commit"), 64),
            "git_tree": text_exact(provenance.get("git_tree"), 64),
            "toolchain": text_exact(provenance.get("toolchain"), 10),
            "lockfile_sha256": text_exact(provenance.get("lockfile_sha256"), 64),
            "merkle_root": text_exact(provenance.get("merkle_root"), 64),
            "measurement": text_exact(report.claims.get("measurement"), 96),
            "nonce": text_exact((report.signed_data or {}).get("nonce_hex"), 32),
            "dependency_count": len(dependencies),
        },
    )
    Artifact.objects.filter(build=build).delete()
    Artifact.objects.bulk_create(_artifacts(build, report.artifacts, stored))
    BuildPackage.objects.filter(build=build).delete()
    packages = _packages({_package_key(item) for item in dependencies})
    BuildPackage.objects.bulk_create([BuildPackage(build=build, package_id=pk) for pk in packages], batch_size=BATCH)


def _repository(url: str) -> Repository:
    text = text_storable(url, 2000).encode()[:MAX_URL_BYTES].decode(errors="ignore")
    return Repository.objects.get_or_create(url=text)[0]


def _artifacts(build: Build, results: tuple[ArtifactResult, ...], stored: dict[str, int]) -> list[Artifact]:
    return [
        Artifact(
            build=build,
            name=text_storable(result.name, 255),
            sha256=bytes.fromhex(result.sha256),
            size=stored.get(result.sha256),
            is_stored=result.sha256 in stored,
        )
        for result in results
        if _SHA256.fullmatch(result.sha256)
    ]


def _package_key(item: dict[str, Any]) -> tuple[str, str, str]:
    return (
        text_storable(str(item.get("ecosystem", "")), 20),
        text_storable(str(item.get("name", "")), 300),
        text_storable(str(item.get("version", "")), 200),
    )


def _packages(keys: set[tuple[str, str, str]]) -> list[int]:
    """Give the keys of the packages, made where they are new."""
    known = _packages_known(keys)
    # In one order everywhere, so that two builds that store the same new packages do not wait for each other for ever.
    missing = sorted(keys - known.keys())
    if missing:
        rows = [Package(ecosystem=ecosystem, name=name, version=version) for ecosystem, name, version in missing]
        Package.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
        known |= _packages_known(set(missing))
    return sorted(known[key] for key in keys)


def _packages_known(keys: set[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
    names = sorted({name for _ecosystem, name, _version in keys})
    versions = sorted({version for _ecosystem, _name, version in keys})
    found: dict[tuple[str, str, str], int] = {}
    for start in range(0, len(names), BATCH):
        rows = Package.objects.filter(name__in=names[start : start + BATCH])
        if len(versions) <= BATCH:
            rows = rows.filter(version__in=versions)
        for pk, ecosystem, name, version in rows.values_list("pk", "ecosystem", "name", "version"):
            if (ecosystem, name, version) in keys:
                found[ecosystem, name, version] = pk
    return found
