"""Reads for comparisons: two builds that the viewer may both see, and what there is to compare with. Few queries, whatever is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import User
from django.http import Http404, QueryDict
from django.urls import reverse

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer
from kettle_web.builds.states import State
from kettle_web.history.compare.fragments import Candidate, ChoosePage
from kettle_web.history.selectors import history_ids, history_row, is_owner_shown, with_titles
from kettle_web.provenance.diff import Side
from kettle_web.verifications.models import Report
from kettle_web.verifications.selectors import report_latest

CANDIDATES: Final = 50
"""Builds on one page to choose from."""


@dataclass(frozen=True)
class Compared:
    """A build and its newest report."""

    build: Build
    report: Report | None

    @property
    def side(self) -> Side:
        document: dict[str, Any] = self.report.document if self.report is not None else {}
        sizes = {item["sha256"]: item["size"] for item in document.get("artifacts", []) if item.get("size") is not None}
        return Side(
            provenance=document.get("provenance"),
            claims=document.get("claims") or {},
            ref=self.build.repo_ref,
            platform=self.build.platform,
            policy_version=self.report.policy_version if self.report is not None else "",
            sizes=sizes,
        )


def compared_for_viewer(viewer: User, left_uid: str, right_uid: str) -> tuple[Compared, Compared]:
    """Give both builds. Raises `Http404` for either that does not exist or that the viewer may not see, without saying which."""
    found = {build.uid: build for build in with_titles(builds_for_viewer(viewer)).filter(uid__in={left_uid, right_uid})}
    if left_uid not in found or right_uid not in found:
        raise Http404
    left, right = (Compared(build, report_latest(build)) for build in (found[left_uid], found[right_uid]))
    return left, right


def previous_build(viewer: User, build: Build) -> Build | None:
    """The newest judged build before this one of the same repository that the viewer may see; None: there is none."""
    index = getattr(build, "index", None)
    if index is None or index.repository_id is None:
        return None
    judged = builds_for_viewer(viewer).filter(pk__lt=build.pk, index__repository_id=index.repository_id).exclude(verdict="")
    return judged.order_by("-pk").first()


def choose_page(*, viewer: User, build: Build, parameters: QueryDict, path: str, has_no_previous: bool) -> ChoosePage:
    """Builds to compare with, newest first: of the same repository, or what the history finds for `q`, or all."""
    index = getattr(build, "index", None)
    query = parameters.get("q", "").strip()
    repository = index.repository_id if index is not None else None
    of_repository = None if query or "all" in parameters else repository
    before = parameters.get("before", "")
    below = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None
    rows = _candidates(viewer=viewer, build=build, query=query, repository=of_repository, below=below)
    shown, with_owner = rows[:CANDIDATES], is_owner_shown(viewer)
    return ChoosePage(
        build=history_row(build, is_owner_shown=with_owner),
        query=query,
        is_repository=of_repository is not None,
        has_no_previous=has_no_previous,
        candidates=tuple(Candidate(history_row(row, is_owner_shown=with_owner), _compare_url(row, build)) for row in shown),
        older_url=_with(path, parameters, before=str(shown[-1].pk)) if len(rows) > CANDIDATES else "",
        all_url=_with(path, parameters, all="1") if of_repository is not None else "",
    )


def _candidates(*, viewer: User, build: Build, query: str, repository: int | None, below: int | None) -> list[Build]:
    """Judged builds beside this one, newest first, one more than is shown."""
    builds = with_titles(builds_for_viewer(viewer))
    if repository is not None:
        builds = builds.filter(index__repository_id=repository)
    elif query:
        asked = QueryDict(mutable=True)
        asked["q"] = query
        asked["state"] = State.DONE.value
        builds = builds.filter(pk__in=history_ids(viewer=viewer, parameters=asked, limit=CANDIDATES + 2, below=below))
    if below is not None:
        builds = builds.filter(pk__lt=below)
    return list(builds.exclude(verdict="").exclude(pk=build.pk).order_by("-pk")[: CANDIDATES + 1])


def _compare_url(other: Build, build: Build) -> str:
    """The earlier one goes to the left."""
    left, right = sorted((other, build), key=lambda found: found.pk)
    return reverse("compare:page", args=[left.uid, right.uid])


def _with(path: str, parameters: QueryDict, **changes: str) -> str:
    fresh = QueryDict(mutable=True)
    for name in ("q", "all", "before"):
        if value := changes.get(name, parameters.get(name, "") if name != "before" else ""):
            fresh[name] = value
    return f"{path}?{fresh.urlencode()}" if fresh else path
