"""Builds that contain any of some packages, newest first, of those that the viewer may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.contrib.auth.models import User

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer, sees_all_builds
from kettle_web.history.selectors import with_titles
from kettle_web.verifications.models import BuildPackage
from kettle_web.verifications.search.postings import GROUP_MAX, Span, Wanted, builds_newest
from kettle_web.verifications.search.tokens import Family, token

BATCH = 200


def builds_containing(viewer: User, packages: Sequence[int], *, limit: int, below: int | None = None) -> list[int]:
    """Give keys of builds, newest first. One query for every 500 packages."""
    own = () if sees_all_builds(viewer) else (frozenset({token(Family.OWNER, viewer.pk)}),)
    found: set[int] = set()
    for start in range(0, len(packages), GROUP_MAX):
        group = frozenset(token(Family.PACKAGE, pk) for pk in packages[start : start + GROUP_MAX])
        found.update(builds_newest(Wanted((*own, group)), limit=limit, span=Span(high=below)))
    return sorted(found, reverse=True)[:limit]


def builds_shown(viewer: User, keys: Sequence[int], packages: Sequence[int]) -> list[tuple[Build, list[int]]]:
    """Give these builds as lists show them, newest first, each with those of the packages that it contains. Two queries."""
    builds = list(with_titles(builds_for_viewer(viewer).filter(pk__in=keys)).order_by("-pk"))
    contained: dict[int, list[int]] = {build.pk: [] for build in builds}
    pairs = BuildPackage.objects.filter(build_id__in=list(contained), package_id__in=list(packages)).order_by()
    for build_id, package_id in pairs.values_list("build_id", "package_id"):
        contained[build_id].append(package_id)
    return [(build, contained[build.pk]) for build in builds]


def every_build(viewer: User, packages: Sequence[int]) -> Iterator[tuple[Build, list[int]]]:
    """Yield every such build, newest first, a batch at a time."""
    below: int | None = None
    while keys := builds_containing(viewer, packages, limit=BATCH, below=below):
        yield from builds_shown(viewer, keys, packages)
        below = keys[-1]
