"""Reads of projects: only builds that were requested by URL, and only those that the viewer may see, in every count."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import User
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.urls import reverse

from kettle_web.builds.models import Build, Project
from kettle_web.builds.projects import project_name
from kettle_web.builds.selectors import builds_for_viewer
from kettle_web.builds.states import RUNNING, State
from kettle_web.history.alarms.outbox import mail_note
from kettle_web.history.alarms.selectors import alarms_for_viewer, open_block, project_for_viewer
from kettle_web.history.models import Subscription
from kettle_web.history.projects import changes, plots
from kettle_web.history.projects.fragments import ProjectPage, ProjectRow, ProjectsPage, RefRow, Sample
from kettle_web.history.selectors import history_row, is_owner_shown, with_titles

PAGE_ROWS: Final = 30
COUNT_CAP: Final = 1000
WINDOW: Final = 500
"""Newest builds that refs and plots are taken from."""
REFS_SHOWN: Final = 30
QUERY_CHARS: Final = 200
WALKED: Final = 5000
"""Newest builds in which the list looks for projects before it counts them all."""
PROJECTS_FEW: Final = 50
PROJECTS_MOST: Final = 10_000
"""Of one search for an address: so many are named to the database one by one."""


def project_builds(viewer: User) -> QuerySet[Build]:
    """Builds that count for a project: threats.md, «Attribution»."""
    return builds_for_viewer(viewer).filter(origin=Build.Origin.REPOSITORY)


def projects_page(viewer: User, parameters: QueryDict) -> ProjectsPage:
    """Projects by their newest build, a page at a time. A number of queries that does not grow with them."""
    query = parameters.get("q", "").replace("\x00", "").strip()[:QUERY_CHARS]
    before = _key(parameters)
    found = newest_of_projects(project_builds(viewer), query=query, before=before, limit=PAGE_ROWS + 1)
    projects = Project.objects.in_bulk(list(found.values())[:PAGE_ROWS])
    shown = {key: projects[pk] for key, pk in list(found.items())[:PAGE_ROWS]}
    builds = with_titles(project_builds(viewer).filter(pk__in=list(shown))).order_by("-pk")
    keys = [project.pk for project in shown.values()]
    alarms = alarms_for_viewer(viewer).filter(project__in=keys, acknowledged_at=None)
    counts = dict(alarms.order_by().values_list("project_id").annotate(n=Count("pk")))
    owner = is_owner_shown(viewer)
    rows = tuple(
        ProjectRow(project.slug, project_name(project.url), history_row(build, is_owner_shown=owner), counts.get(project.pk, 0))
        for build in builds
        if (project := shown[build.pk])
    )
    last = min(shown) if len(found) > PAGE_ROWS else 0
    return ProjectsPage(
        rows=rows,
        query=query,
        older_url=_url(reverse("projects:list"), q=query, before=str(last)) if last else "",
        newest_url=_url(reverse("projects:list"), q=query) if before else "",
    )


def newest_of_projects(builds: QuerySet[Build], *, query: str, before: int, limit: int) -> dict[int, int]:
    """Give the newest builds of projects and the projects' ids, newest first: of those whose newest build is older than `before`.

    Builds are walked newest first until enough projects are found, which is soon; where it is not, or where an address is looked for
    that few projects have, all of them are counted once. To ask each project for its newest build takes seconds at a million builds.
    """
    asked = builds.exclude(project=None)
    if query:
        keys = list(Project.objects.filter(url__icontains=query).order_by("-pk").values_list("pk", flat=True)[: PROJECTS_MOST + 1])
        asked = asked.filter(project__in=keys) if len(keys) <= PROJECTS_MOST else asked.filter(project__url__icontains=query)
    newest: dict[int, int] = {}
    is_few = query and len(keys) <= PROJECTS_FEW
    walked = [] if is_few else list(asked.order_by("-pk").values_list("pk", "project_id")[:WALKED])
    for key, project in walked:
        newest.setdefault(project, key)
    found = [(key, project) for project, key in newest.items() if not before or key < before]
    if len(found) < limit and (is_few or len(walked) == WALKED):
        counted = asked.order_by().values_list("project_id").annotate(newest=Max("pk"))
        found = [(key, project) for project, key in counted if key and (not before or key < before)]
    return dict(sorted(found, reverse=True)[:limit])


def project_page(viewer: User, slug: str, parameters: QueryDict) -> ProjectPage:
    """Everything about one project, in a constant number of queries. Raises `Http404`."""
    project = project_for_viewer(viewer, slug)
    builds = project_builds(viewer).filter(project=project)
    count = builds.order_by().values("pk")[: COUNT_CAP + 1].count()
    window = _window(builds)
    samples = plots.samples(window)
    before, here = _key(parameters), reverse("projects:page", args=[project.slug])
    page = with_titles(builds.filter(pk__lt=before) if before else builds).annotate(before_pk=_build_before(viewer))
    rows = list(page.order_by("-pk")[: PAGE_ROWS + 1])
    older = rows[PAGE_ROWS - 1].pk if len(rows) > PAGE_ROWS else 0
    return ProjectPage(
        slug=project.slug,
        name=project_name(project.url),
        url=project.url,
        count=min(count, COUNT_CAP),
        is_count_capped=count > COUNT_CAP,
        alarms=open_block(viewer, project),
        refs=_refs(window),
        is_window_cut=count > WINDOW,
        window=WINDOW,
        plots=plots.plots(samples),
        samples=samples,
        rows=changes.rows(rows[:PAGE_ROWS], is_owner_shown=is_owner_shown(viewer)),
        older_url=_url(here, before=str(older)) if older else "",
        newest_url=here if before else "",
        is_subscribed=Subscription.objects.filter(user=viewer, project=project).exists(),
        mail_note=mail_note(),
    )


def _build_before(viewer: User) -> Coalesce:
    """The key of the newest earlier build that was judged, of the same ref if there is one: what the alarms compare with as well."""
    earlier = project_builds(viewer).filter(project=OuterRef("project_id"), pk__lt=OuterRef("pk"), state=State.DONE).order_by("-pk")
    return Coalesce(Subquery(earlier.filter(repo_ref=OuterRef("repo_ref")).values("pk")[:1]), Subquery(earlier.values("pk")[:1]))


def _window(builds: QuerySet[Build]) -> list[Build]:
    wanted = (
        *("uid", "repo_ref", "state", "verdict", "created_at", "resolved_commit", "source_claimed_commit"),
        *("index__git_commit", "index__duration_ms", "index__artifact_bytes"),
    )
    return list(builds.select_related("index").only(*wanted).order_by("-pk")[:WINDOW])


def _refs(window: list[Build]) -> tuple[RefRow, ...]:
    newest: dict[str, Build] = {}
    counts: dict[str, int] = {}
    for build in window:
        newest.setdefault(build.repo_ref, build)
        counts[build.repo_ref] = counts.get(build.repo_ref, 0) + 1
    return tuple(
        RefRow(
            ref=ref,
            uid=build.uid,
            state=build.state,
            is_running=State(build.state) in RUNNING,
            verdict=build.verdict,
            commit=_commit(build),
            created_at=build.created_at,
            builds=counts[ref],
        )
        for ref, build in list(newest.items())[:REFS_SHOWN]
    )


def _commit(build: Build) -> str:
    index = getattr(build, "index", None)
    return (index.git_commit if index is not None else "") or build.resolved_commit or build.source_claimed_commit


def latest_samples(viewer: User, slug: str) -> tuple[Sample, ...]:
    """The numbers of the plots. Raises `Http404`."""
    return plots.samples(_window(project_builds(viewer).filter(project=project_for_viewer(viewer, slug))))


def _key(parameters: QueryDict) -> int:
    text = parameters.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _url(path: str, **values: str) -> str:
    fresh = QueryDict(mutable=True)
    fresh.update({name: value for name, value in values.items() if value})
    return f"{path}?{fresh.urlencode()}" if fresh else path
