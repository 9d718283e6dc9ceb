"""How often, first and last each version was seen, in builds that the viewer may see. A count stops at its cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Count, IntegerField, Max, Min, OuterRef, Subquery
from django.db.models.expressions import RawSQL

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import sees_all_builds
from kettle_web.history.dependencies.fragments import Seen
from kettle_web.verifications.models import BuildPackage, Package, PackageDigest

VERSION_CAP: Final = 1000
_COUNTED: Final = (
    "SELECT COUNT(*) FROM (SELECT 1 FROM verifications_buildpackage c WHERE c.package_id = verifications_package.id LIMIT %s) counted"
)


@dataclass(frozen=True)
class Stat:
    builds: int
    first: Seen | None
    last: Seen | None


def stats(viewer: User, keys: Sequence[int]) -> dict[int, Stat]:
    """Give what is known of some packages; one that no visible build contains is left out. Two queries."""
    counted = _of_everyone(keys) if sees_all_builds(viewer) else _of_own(viewer, keys)
    ends = {pk for _count, *pair in counted.values() for pk in pair}
    seen = {pk: Seen(uid, at) for pk, uid, at in Build.objects.filter(pk__in=ends).values_list("pk", "uid", "created_at")}
    return {key: Stat(count, seen.get(first), seen.get(last)) for key, (count, first, last) in counted.items()}


def _of_everyone(keys: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """Two looks into an index for each version, and a count that stops: the number of builds does not matter."""
    ends = BuildPackage.objects.filter(package=OuterRef("pk"))
    rows = Package.objects.filter(pk__in=keys).annotate(
        first=Subquery(ends.order_by("build_id").values("build_id")[:1]),
        last=Subquery(ends.order_by("-build_id").values("build_id")[:1]),
        counted=RawSQL(_COUNTED, (VERSION_CAP + 1,), output_field=IntegerField()),  # noqa: S611 - a constant of ours.
    )
    found = rows.filter(first__isnull=False).values_list("pk", "counted", "first", "last")
    return {pk: (count, first, last) for pk, count, first, last in found}


def _of_own(viewer: User, keys: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """From the viewer's own builds, which are few beside everyone's."""
    own = BuildPackage.objects.filter(build__owner_id=viewer.pk, package_id__in=keys).order_by().values("package_id")
    rows = own.annotate(n=Count("build_id"), first=Min("build_id"), last=Max("build_id"))
    return {row["package_id"]: (min(row["n"], VERSION_CAP + 1), row["first"], row["last"]) for row in rows}


def digest_counts(keys: Sequence[int]) -> dict[int, int]:
    """How many digests are stated for each package. Of every build: `selectors` shows it where the viewer sees all."""
    rows = PackageDigest.objects.filter(package_id__in=keys).order_by().values_list("package_id")
    return dict(rows.annotate(n=Count("pk")))
