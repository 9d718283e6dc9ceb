"""Writes the index of one build, in the transaction of its report: columns, artifacts, packages and the row that search reads.

The number of queries does not grow with the artifacts or dependencies, except by one for every thousand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.times import time_parse
from kettle_web.verification.report import ArtifactResult, Report
from kettle_web.verifications.clean import text_exact, text_storable
from kettle_web.verifications.index_packages import packages_write
from kettle_web.verifications.models import Artifact, BuildIndex, BuildPackage, DayStale, Repository
from kettle_web.verifications.search.rows import row_write
from kettle_web.verifications.search.tokens import Kind, address_parts, chip_id, evidence_terms, provenance_terms, term_keys

MAX_URL_BYTES: Final = 2000
"""PostgreSQL's index takes no longer entry."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOOLCHAIN_TOOLS: Final = {"cargo": "rustc", "nix": "nix", "pnpm": "node"}
"""Whose version is the toolchain's."""
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+[\w.+-]*")
_COLUMNS: Final = [field.name for field in BuildIndex._meta.fields if not field.primary_key]


def index_write(*, build: Build, report: Report, stored: dict[str, int], is_seeded: bool = False) -> None:
    """Replace what the index says of this build. `stored`: SHA-256 in hex to size, of artifacts whose bytes are kept."""
    provenance: dict[str, Any] = report.provenance or {}
    dependencies = provenance.get("dependencies", [])
    repository = _repository(str(provenance.get("source_uri") or build.repo_url))
    started, finished = _moment(provenance.get("started_on")), _moment(provenance.get("finished_on"))
    artifacts = _artifacts(build, report.artifacts, stored)
    sizes = [artifact.size for artifact in artifacts if artifact.size is not None]
    _columns_write(
        BuildIndex(
            build=build,
            repository=repository,
            git_commit=text_exact(provenance.get("git_commit"), 64),
            git_tree=text_exact(provenance.get("git_tree"), 64),
            toolchain=text_exact(provenance.get("toolchain"), 10),
            toolchain_version=_toolchain_version(provenance),
            lockfile_sha256=text_exact(provenance.get("lockfile_sha256"), 64),
            merkle_root=text_exact(provenance.get("merkle_root"), 64),
            measurement=text_exact(report.claims.get("measurement"), 96),
            chip_id=text_exact(chip_id(report.claims), 128),
            nonce=text_exact((report.signed_data or {}).get("nonce_hex"), 32),
            dependency_count=len(dependencies),
            started_on=started,
            finished_on=finished,
            duration_ms=_milliseconds(started, finished),
            artifact_bytes=sum(sizes) if sizes else None,
            is_seeded=is_seeded,
        )
    )
    Artifact.objects.filter(build=build).delete()
    Artifact.objects.bulk_create(artifacts)
    package_ids = packages_write(build_id=build.pk, dependencies=dependencies)
    terms = [
        *_request_terms(build, str(repository.url) if repository else ""),
        (Kind.STATE, State.DONE.value),
        (Kind.VERDICT, report.now.verdict.value),
        (Kind.PLATFORM, text_exact(report.platform, 12)),
        *((Kind.FILE, artifact.name) for artifact in artifacts),
        *evidence_terms(report.claims),
        *provenance_terms(provenance),
    ]
    _row_write(build, terms, repository, package_ids)
    _day_stale(build)


def index_write_unjudged(build: Build) -> None:
    """Replace what the index says of a build that ended without a report: what was asked for is all that is known."""
    repository = _repository(build.repo_url)
    commit = text_exact(build.resolved_commit or build.source_claimed_commit, 64)
    tree, lockfile = text_exact(build.source_git_tree, 64), text_exact(build.source_lockfile_sha256, 64)
    _columns_write(BuildIndex(build=build, repository=repository, git_commit=commit, git_tree=tree, lockfile_sha256=lockfile))
    Artifact.objects.filter(build=build).delete()
    BuildPackage.objects.filter(build=build).delete()
    terms = [*_request_terms(build, str(repository.url) if repository else ""), (Kind.STATE, str(build.state))]
    _row_write(build, terms, repository, ())
    _day_stale(build)


def _columns_write(row: BuildIndex) -> None:
    BuildIndex.objects.bulk_create([row], update_conflicts=True, unique_fields=["build"], update_fields=_COLUMNS)


def _request_terms(build: Build, url: str) -> list[tuple[Kind, object]]:
    """What is known of every build: who asked for what."""
    return [
        (Kind.ALL, "all"),
        (Kind.ORIGIN, str(build.origin)),
        (Kind.LABEL, build.label),
        (Kind.REF, build.repo_ref),
        (Kind.SOURCE, build.source_name),
        *((Kind.ADDRESS, part) for part in address_parts(url)),
    ]


def _row_write(build: Build, terms: Iterable[tuple[Kind, object]], repository: Repository | None, package_ids: Iterable[int]) -> None:
    row_write(
        build_id=build.pk,
        owner_id=build.owner_id,
        terms=term_keys(terms),
        repository_id=repository.pk if repository is not None else None,
        package_ids=package_ids,
    )


def _day_stale(build: Build) -> None:
    """A day that is counted already changes with this build."""
    DayStale.objects.bulk_create([DayStale(day=build.created_at.astimezone(UTC).date())], ignore_conflicts=True)


def _toolchain_version(provenance: dict[str, Any]) -> str:
    name = _TOOLCHAIN_TOOLS.get(str(provenance.get("toolchain", "")))
    version = next((str(tool.get("version", "")) for tool in provenance.get("tools", []) if tool.get("name") == name), "")
    found = _VERSION.search(version)
    return text_storable(found.group() if found else version, 100)


def _moment(text: object) -> datetime | None:
    try:
        return time_parse(text) if isinstance(text, str) and text else None
    except ProvenanceError:
        return None


def _milliseconds(started: datetime | None, finished: datetime | None) -> int | None:
    if started is None or finished is None or finished < started:
        return None
    return round((finished - started).total_seconds() * 1000)


def _repository(url: str) -> Repository | None:
    if not url:
        return None
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
