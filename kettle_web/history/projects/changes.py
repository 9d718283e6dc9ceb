"""What differs between a build and the one before, as far as the index knows; the whole comparison has a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext

from kettle_web.builds.models import Build
from kettle_web.history.projects.fragments import ProjectBuildRow
from kettle_web.history.selectors import history_row
from kettle_web.verifications.models import BuildIndex

_COLUMNS: Final[tuple[tuple[str, Promise], ...]] = (
    ("git_commit", gettext_lazy("commit")),
    ("lockfile_sha256", gettext_lazy("lockfile")),
    ("toolchain_version", gettext_lazy("toolchain")),
    ("measurement", gettext_lazy("builder image")),
    ("repository_id", gettext_lazy("source address")),
)


def rows(builds: Sequence[Build], *, is_owner_shown: bool) -> tuple[ProjectBuildRow, ...]:
    """Lines of builds that came by `with_titles` with `before_pk`: one query for all the builds before."""
    keys = {build.before_pk for build in builds if build.before_pk}  # type: ignore[attr-defined]
    before = {index.pk: index for index in BuildIndex.objects.filter(pk__in=keys).select_related("build")}
    return tuple(_row(build, before.get(build.before_pk), is_owner_shown=is_owner_shown) for build in builds)  # type: ignore[attr-defined]


def _row(build: Build, before: BuildIndex | None, *, is_owner_shown: bool) -> ProjectBuildRow:
    index: BuildIndex | None = getattr(build, "index", None)
    line = history_row(build, is_owner_shown=is_owner_shown)
    if before is None or index is None or not build.verdict:
        return ProjectBuildRow(line, "", ())
    return ProjectBuildRow(line, reverse("compare:page", args=[before.build.uid, build.uid]), changes(before, index))


def changes(before: BuildIndex, after: BuildIndex) -> tuple[str, ...]:
    """Names of what differs, in words."""
    pairs = [(word, getattr(before, column), getattr(after, column)) for column, word in _COLUMNS]
    # What one of them does not state did not change: a lost attestation has an alarm of its own.
    found = [str(word) for word, old, new in pairs if old and new and old != new]
    if before.dependency_count != after.dependency_count:
        values = {"before": before.dependency_count, "after": after.dependency_count}
        said = ngettext(
            "%(after)d dependency instead of %(before)d", "%(after)d dependencies instead of %(before)d", after.dependency_count
        )
        found.append(said % values)
    return tuple(found)
