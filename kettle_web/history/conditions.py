"""What a reading of a query means in the database.

Big tables are asked first and only for keys; the builds that match are then walked newest first.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Q

from kettle_web.builds.models import Attempt
from kettle_web.builds.states import State
from kettle_web.history.reading import Reading
from kettle_web.verifications.models import Artifact, BuildIndex, BuildPackage, Package, Repository

MAX_KEYS: Final = 500
"""Of repositories or packages that one query may match; more of them say that the query is too wide."""
NOT_INDEXED: Final = tuple(state for state in State if state is not State.DONE)
"""Builds in these states have no index yet: their own columns are looked at."""


def condition(reading: Reading) -> Q:
    """The builds that a reading means."""
    if reading.sha256_hex:
        return _digest(reading.sha256_hex) | _commit(reading.hex_prefix)
    if reading.package:
        return _packages(Package.objects.filter(_package(reading)).values_list("pk", flat=True)[:MAX_KEYS])
    found = Q()
    if reading.text:
        found |= _text(reading.text)
    if reading.hex_prefix:
        found |= _commit(reading.hex_prefix)
    if reading.nonce_hex:
        attempts = Attempt.objects.filter(nonce=bytes.fromhex(reading.nonce_hex))
        found |= Q(pk__in=attempts.values("build_id")) | Q(pk__in=BuildIndex.objects.filter(nonce=reading.nonce_hex).values("pk"))
    if reading.uid:
        found |= Q(uid=reading.uid)
    if reading.job_id:
        found |= Q(job_id=reading.job_id)
    return found


def _digest(sha256_hex: str) -> Q:
    artifacts = Artifact.objects.filter(sha256=bytes.fromhex(sha256_hex))
    indexed = BuildIndex.objects.filter(Q(lockfile_sha256=sha256_hex) | Q(merkle_root=sha256_hex))
    return (
        Q(pk__in=artifacts.values("build_id"))
        | Q(pk__in=indexed.values("pk"))
        | Q(provenance_sha256=sha256_hex)
        | Q(evidence_sha256=sha256_hex)
        | Q(result_sha256=sha256_hex)
        | Q(source_sha256=sha256_hex)
    )


def _commit(prefix: str) -> Q:
    """Commits and trees that begin so: a range, which an index answers everywhere; «g» follows the last hex digit."""
    in_commit = Q(git_commit__gte=prefix, git_commit__lt=prefix + "g")
    in_tree = Q(git_tree__gte=prefix, git_tree__lt=prefix + "g")
    running = Q(resolved_commit__startswith=prefix) | Q(source_claimed_commit__startswith=prefix)
    return Q(pk__in=BuildIndex.objects.filter(in_commit | in_tree).values("pk")) | (Q(state__in=NOT_INDEXED) & running)


def _package(reading: Reading) -> Q:
    wanted = Q(name__in={reading.package, reading.package.lower()})
    if reading.version:
        wanted &= Q(version=reading.version)
    if reading.ecosystem:
        wanted &= Q(ecosystem=reading.ecosystem)
    return wanted


def _packages(keys: object) -> Q:
    return Q(pk__in=BuildPackage.objects.filter(package_id__in=list(keys)).values("build_id"))  # type: ignore[call-overload]


def _text(text: str) -> Q:
    repositories = list(Repository.objects.filter(url__icontains=text).values_list("pk", flat=True)[:MAX_KEYS])
    packages = Package.objects.filter(name__in={text, text.lower()}).values_list("pk", flat=True)[:MAX_KEYS]
    return (
        Q(index__repository_id__in=repositories)
        | Q(label__icontains=text)
        | Q(pk__in=Artifact.objects.filter(name__startswith=text).values("build_id"))
        | _packages(packages)
        | (Q(state__in=NOT_INDEXED) & (Q(repo_url__icontains=text) | Q(source_name__icontains=text)))
    )
