"""Reads by a SHA-256: only builds that the viewer may see, in every list and every count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer, digest_keys
from kettle_web.history.artifacts.fragments import ArtifactPage, NamingRow, ProducingRow
from kettle_web.history.of_builds import rows_visible
from kettle_web.history.selectors import history_row, is_owner_shown, with_titles
from kettle_web.verifications.models import Artifact, BuildIndex, BuildPackage, PackageDigest
from kettle_web.verifications.selectors import artifact_url_name

PAGE_ROWS: Final = 30
COUNT_CAP: Final = 1000
LOOKED_AT: Final = 1000
"""Newest builds that are compared for whether they are independent."""
NAMING_SHOWN: Final = 30
NAMES_SHOWN: Final = 10
_ROLES: Final = {
    "result_sha256": gettext_lazy("its result tarball"),
    "source_sha256": gettext_lazy("the archive that was uploaded"),
    "provenance_sha256": gettext_lazy("its provenance.json"),
    "evidence_sha256": gettext_lazy("its evidence.json"),
    "index__lockfile_sha256": gettext_lazy("its lockfile"),
    "index__merkle_root": gettext_lazy("the root over its inputs"),
}
"""Columns that a digest may stand in, and what it is there."""


def artifact_page(viewer: User, sha256_hex: str, parameters: QueryDict) -> ArtifactPage:
    """What is known of a file by its digest, 64 lower-case hex digits; of one that nobody knows there are no rows.

    A constant number of queries. What the viewer may not see is, here too, what does not exist.
    """
    visible = builds_for_viewer(viewer)
    artifacts = rows_visible(Artifact.objects.filter(sha256=bytes.fromhex(sha256_hex)), viewer)
    newest = list(dict.fromkeys(artifacts.order_by("-build_id").values_list("build_id", flat=True)[: COUNT_CAP + 1]))
    independent, commits = _independent(newest[:LOOKED_AT])
    before = _key(parameters)
    page = artifacts.filter(build_id__lt=before) if before else artifacts
    keys = list(dict.fromkeys(page.order_by("-build_id").values_list("build_id", flat=True)[: (PAGE_ROWS + 1) * 4]))
    shown, here = keys[:PAGE_ROWS], reverse("artifacts:page", args=[sha256_hex])
    with_owner = is_owner_shown(viewer)
    naming, is_naming_cut = _naming(viewer, sha256_hex, with_owner)
    rows = _producing(visible, shown, sha256_hex, with_owner)
    return ArtifactPage(
        sha256=sha256_hex,
        names=tuple(dict.fromkeys(name for row in rows for name in row.names))[:NAMES_SHOWN],
        rows=rows,
        count=min(len(newest), COUNT_CAP),
        is_count_capped=len(newest) > COUNT_CAP,
        independent=independent,
        commits=commits,
        is_independent_cut=len(newest) > LOOKED_AT,
        older_url=f"{here}?before={shown[-1]}" if len(keys) > PAGE_ROWS else "",
        newest_url=here if before else "",
        naming=naming,
        is_naming_cut=is_naming_cut,
    )


def _independent(keys: Sequence[int]) -> tuple[int, int]:
    """How many of these builds are independent of each other, and from how many commits they state that they built.

    They count when confirmed, each with evidence and a chip that no other one has (threats.md, «Attribution»); invented ones never.
    """
    confirmed = BuildIndex.objects.filter(pk__in=list(keys), build__verdict="confirmed", is_seeded=False)
    rows = confirmed.exclude(chip_id="").exclude(build__evidence_sha256="").order_by("pk")
    evidence: set[str] = set()
    chips: set[str] = set()
    commits: set[str] = set()
    count = 0
    for chip, document, commit in rows.values_list("chip_id", "build__evidence_sha256", "git_commit"):
        if chip not in chips and document not in evidence:
            count += 1
            commits.add(commit)
        chips.add(chip)
        evidence.add(document)
    return count, len(commits)


def _producing(visible: QuerySet[Build], keys: Sequence[int], sha256_hex: str, with_owner: bool) -> tuple[ProducingRow, ...]:
    builds = list(with_titles(visible.filter(pk__in=list(keys))).order_by("-pk"))
    files: dict[int, list[Artifact]] = {build.pk: [] for build in builds}
    for file in Artifact.objects.filter(sha256=bytes.fromhex(sha256_hex), build_id__in=list(files)).order_by("build_id", "name"):
        files[file.build_id].append(file)
    rows = []
    for build in builds:
        stored = next((file for file in files[build.pk] if file.is_stored), None)
        address = (
            reverse("verifications:artifact", args=[build.uid, sha256_hex, artifact_url_name(stored.name)]) if stored is not None else ""
        )
        names = tuple(file.name for file in files[build.pk])
        size = next((file.size for file in files[build.pk] if file.size is not None), None)
        rows.append(ProducingRow(history_row(build, is_owner_shown=with_owner), names, size, address))
    return tuple(rows)


def _naming(viewer: User, sha256_hex: str, with_owner: bool) -> tuple[tuple[NamingRow, ...], bool]:
    """Builds that name the digest in another role, newest first: documents, lockfile, root, dependency."""
    visible = builds_for_viewer(viewer)
    roles: dict[int, list[str]] = {}
    documents = digest_keys(sha256_hex)
    named = {key for found in documents.values() for key in found}
    seen = set(visible.filter(pk__in=[0, *named]).values_list("pk", flat=True))
    for column, word in _ROLES.items():
        if column in documents:
            found = [key for key in documents[column] if key in seen]
        else:
            # One question for each, sorted by a sum: or databases would look at every build.
            found = list(
                visible.filter(**{column: sha256_hex}).order_by((F("pk") + 0).desc()).values_list("pk", flat=True)[: NAMING_SHOWN + 1]
            )
        for key in found[: NAMING_SHOWN + 1]:
            roles.setdefault(key, []).append(str(word))
    for build_id, name, version in _dependencies(viewer, sha256_hex):
        roles.setdefault(build_id, []).append(_("its dependency %(name)s %(version)s") % {"name": name, "version": version})
    keys = sorted(roles, reverse=True)
    builds = with_titles(visible.filter(pk__in=keys[:NAMING_SHOWN])).order_by("-pk")
    rows = tuple(NamingRow(history_row(build, is_owner_shown=with_owner), tuple(dict.fromkeys(roles[build.pk]))) for build in builds)
    return rows, len(keys) > NAMING_SHOWN


def _dependencies(viewer: User, sha256_hex: str) -> list[tuple[int, str, str]]:
    stated = list(PackageDigest.objects.filter(digest=f"sha256:{sha256_hex}").values_list("pk", "package_id")[:NAMING_SHOWN])
    # By the package first: that is what the table is ordered by.
    pairs = BuildPackage.objects.filter(package_id__in=[package for _pk, package in stated], digest_id__in=[pk for pk, _package in stated])
    rows = rows_visible(pairs, viewer).order_by("-build_id").values_list("build_id", "package__name", "package__version")
    return list(rows[: NAMING_SHOWN + 1])


def _key(parameters: QueryDict) -> int:
    text = parameters.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
