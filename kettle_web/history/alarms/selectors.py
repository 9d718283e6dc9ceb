"""Alarms that a person may see: of builds that they may see, and compared with builds that they may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import Http404, QueryDict
from django.urls import reverse

from kettle_web.builds.models import Build, Project
from kettle_web.builds.projects import project_name, slug_key
from kettle_web.builds.selectors import builds_for_viewer
from kettle_web.history.alarms.sentences import alarm_sentence
from kettle_web.history.models import Alarm, FeedToken, Subscription

PAGE_ROWS: Final = 50
COUNT_CAP: Final = 100
SHOWN_ELSEWHERE: Final = 5
"""On home and on a project's page."""


@dataclass(frozen=True)
class AlarmRow:
    """One alarm. Texts from documents are made visible; templates escape them."""

    uid: str
    kind: str
    title: str
    sentence: str
    build_uid: str
    build_name: str
    ref: str
    project_slug: str
    """Empty: of no project."""
    project_name: str
    previous_uid: str
    """Empty: the build itself, judged before."""
    compare_url: str
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str


@dataclass(frozen=True)
class AlarmBlock:
    """The open alarms, on a page of something else."""

    rows: tuple[AlarmRow, ...]
    count: int
    is_count_capped: bool
    all_url: str


@dataclass(frozen=True)
class AlarmsPage:
    rows: tuple[AlarmRow, ...]
    is_all: bool
    """Acknowledged ones too."""
    project_slug: str
    """Only of this project; empty: of all."""
    project_name: str
    count: int
    is_count_capped: bool
    older_url: str
    newest_url: str
    here_url: str


@dataclass(frozen=True)
class FeedRow:
    uid: str
    label: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class SettingsPage:
    email: str
    wants_all: bool
    projects: tuple[Project, ...]
    """Subscribed to one by one, and still to be seen."""
    feeds: tuple[FeedRow, ...]
    mail_note: str


def alarms_for_viewer(viewer: User) -> QuerySet[Alarm]:
    """Alarms of builds that the viewer may see, none that tells of a build that they may not."""
    alarms = Alarm.objects.select_related("build", "project", "previous", "acknowledged_by")
    if not viewer.is_active:
        return alarms.none()
    if viewer.is_staff or settings.BUILDS_VISIBLE_TO == "everyone":
        return alarms
    # An alarm that was found while the site showed everyone's builds to everyone may tell of somebody else's.
    return alarms.filter(Q(previous=None) | Q(previous__owner_id=viewer.pk), build__owner_id=viewer.pk)


def project_for_viewer(viewer: User, slug: str) -> Project:
    """A project of which the viewer may see a build. Raises `Http404`, the same for one that does not exist."""
    key = slug_key(slug)
    project = Project.objects.filter(key=key).first() if key else None
    if project is None or not builds_for_viewer(viewer).filter(project=project).exists():
        raise Http404
    return project


def alarm_rows(alarms: Iterable[Alarm]) -> tuple[AlarmRow, ...]:
    return tuple(_row(alarm) for alarm in alarms)


def _row(alarm: Alarm) -> AlarmRow:
    build, project, previous = alarm.build, alarm.project, alarm.previous
    name = project_name(project.url) if project else ""
    return AlarmRow(
        uid=alarm.uid,
        kind=alarm.kind,
        title=alarm.get_kind_display(),
        sentence=alarm_sentence(alarm),
        build_uid=build.uid,
        build_name=build.label or name or build.source_name or build.uid,
        ref=build.repo_ref,
        project_slug=project.slug if project else "",
        project_name=name,
        previous_uid=previous.uid if previous else "",
        compare_url=_compare_url(build, previous),
        created_at=alarm.created_at,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by.get_username() if alarm.acknowledged_by else "",
    )


def _compare_url(build: Build, previous: Build | None) -> str:
    if previous is None:
        return reverse("verifications:reports", args=[build.uid])
    return reverse("compare:page", args=[previous.uid, build.uid])


def open_block(viewer: User, project: Project | None = None) -> AlarmBlock:
    """The newest open alarms and how many there are. Two queries."""
    alarms = alarms_for_viewer(viewer).filter(acknowledged_at=None)
    if project is not None:
        alarms = alarms.filter(project=project)
    count = alarms.order_by().values("pk")[: COUNT_CAP + 1].count()
    rows = alarm_rows(alarms.order_by("-pk")[:SHOWN_ELSEWHERE]) if count else ()
    address = reverse("alarms:list")
    all_url = f"{address}?project={project.slug}" if project is not None else address
    return AlarmBlock(rows, min(count, COUNT_CAP), count > COUNT_CAP, all_url)


def alarms_page(viewer: User, parameters: QueryDict) -> AlarmsPage:
    """One page of alarms, newest first. Raises `Http404` for a project that the viewer may not see."""
    is_all = parameters.get("all") == "1"
    slug = parameters.get("project", "")
    project = project_for_viewer(viewer, slug) if slug else None
    alarms = alarms_for_viewer(viewer)
    if project is not None:
        alarms = alarms.filter(project=project)
    if not is_all:
        alarms = alarms.filter(acknowledged_at=None)
    count = alarms.order_by().values("pk")[: COUNT_CAP + 1].count()
    before = parameters.get("before", "")
    is_later = before.isascii() and before.isdigit() and len(before) <= 18
    rows = list((alarms.filter(pk__lt=int(before)) if is_later else alarms).order_by("-pk")[: PAGE_ROWS + 1])
    last = rows[PAGE_ROWS - 1].pk if len(rows) > PAGE_ROWS else 0
    return AlarmsPage(
        rows=alarm_rows(rows[:PAGE_ROWS]),
        is_all=is_all,
        project_slug=project.slug if project else "",
        project_name=project_name(project.url) if project else "",
        count=min(count, COUNT_CAP),
        is_count_capped=count > COUNT_CAP,
        older_url=_url(parameters, before=str(last)) if last else "",
        newest_url=_url(parameters) if is_later else "",
        here_url=_url(parameters, before=before if is_later else ""),
    )


def _url(parameters: QueryDict, before: str = "") -> str:
    fresh = QueryDict(mutable=True)
    for name in ("project", "all"):
        if value := parameters.get(name):
            fresh[name] = value
    if before:
        fresh["before"] = before
    return f"{reverse('alarms:list')}?{fresh.urlencode()}" if fresh else reverse("alarms:list")


def settings_page(viewer: User, mail_note: str) -> SettingsPage:
    """What a person hears of, and how."""
    subscribed = list(Subscription.objects.filter(user=viewer).select_related("project").order_by("pk"))
    seen = set(
        builds_for_viewer(viewer)
        .filter(project__in=[row.project_id for row in subscribed])
        .order_by()
        .values_list("project_id", flat=True)
        .distinct()
    )
    feeds = FeedToken.objects.filter(owner=viewer, revoked_at=None)
    return SettingsPage(
        email=viewer.email,
        wants_all=any(row.project_id is None for row in subscribed),
        projects=tuple(row.project for row in subscribed if row.project is not None and row.project_id in seen),
        feeds=tuple(FeedRow(row.uid, row.label, row.created_at, row.last_used_at) for row in feeds),
        mail_note=mail_note,
    )
