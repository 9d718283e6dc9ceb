"""What pages read of builds. `…_for_viewer` is the only way from a request to a build."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import QuerySet, Value
from django.http import Http404

from kettle_web.builds.eventlog import StoredEvent, event_text
from kettle_web.builds.logstore import log_events
from kettle_web.builds.models import Build, Endpoint, Upload
from kettle_web.builds.phases import Phase, phases
from kettle_web.builds.states import RUNNING, TERMINAL, State
from kettle_web.builds.waiting import waiting_mark

__all__ = [
    "Phase",
    "build_for_viewer",
    "builds_for_viewer",
    "digest_keys",
    "endpoints_enabled",
    "event_text",
    "events_after",
    "phases",
    "running_keys",
    "sees_all_builds",
    "state_document",
    "upload_for_owner",
]
Viewer = User | AbstractBaseUser | AnonymousUser
RUNNING_MOST: Final = 2000
"""More builds than ever run at once; a longer queue is not searched to its end."""
DIGEST_COLUMNS: Final = ("provenance_sha256", "evidence_sha256", "result_sha256", "source_sha256")
DIGEST_MOST: Final = 10_000
"""Builds of one and the same document or archive that are looked at."""


def builds_for_viewer(user: Viewer) -> QuerySet[Build]:
    """Give the builds that `user` may see: their own, or all for administrators or where the setting says
    everyone's.
    """
    if not user.is_authenticated or not user.is_active:
        return Build.objects.none()
    return Build.objects.all() if sees_all_builds(user) else Build.objects.filter(owner_id=user.pk)


def running_keys() -> list[int]:
    """Give the ids of the newest builds that run, whosever they are, at most `RUNNING_MOST`; to be held against `builds_for_viewer`.

    A question for each state: asked for all states, or for an owner too, databases walk through every build instead.
    """
    states = [Build.objects.filter(state=state).order_by().values("pk") for state in sorted(RUNNING)]
    return sorted((row["pk"] for row in states[0].union(*states[1:], all=True)), reverse=True)[:RUNNING_MOST]


def digest_keys(sha256_hex: str) -> dict[str, list[int]]:
    """Give, for each of `DIGEST_COLUMNS`, the ids of builds with this digest, newest first; to be held against `builds_for_viewer`.

    At most `DIGEST_MOST` together. One question, which the columns' indexes answer; with an owner in it they would not.
    """
    columns = [
        Build.objects.filter(**{column: sha256_hex}).order_by().annotate(place=Value(place)).values_list("pk", "place")
        for place, column in enumerate(DIGEST_COLUMNS)
    ]
    found: dict[str, list[int]] = {column: [] for column in DIGEST_COLUMNS}
    for key, place in sorted(columns[0].union(*columns[1:], all=True)[:DIGEST_MOST], reverse=True):
        found[DIGEST_COLUMNS[place]].append(key)
    return found


def sees_all_builds(user: Viewer) -> bool:
    """Whether someone who is signed in sees everyone's builds and not only their own."""
    return settings.BUILDS_VISIBLE_TO == "everyone" or bool(getattr(user, "is_staff", False))


def build_for_viewer(user: Viewer, uid: str) -> Build:
    """Give a build. Raises `Http404`, the same for one that does not exist and one that `user` may not see."""
    build = builds_for_viewer(user).select_related("endpoint", "pool", "owner", "project").filter(uid=uid).first()
    if build is None:
        raise Http404
    return build


def upload_for_owner(user: Viewer, uid: str) -> Upload:
    """Give an upload of the user's own. Raises `Http404`."""
    upload = Upload.objects.filter(owner_id=user.pk, uid=uid).first() if user.is_authenticated else None
    if upload is None:
        raise Http404
    return upload


def endpoints_enabled() -> QuerySet[Endpoint]:
    """Give the Kettle servers to choose from, the default first; machines of pools and those that are spent are not among them."""
    return Endpoint.objects.filter(is_enabled=True, pool=None, spent_at=None, leased_build=None)


def events_after(build: Build, after: int, limit: int) -> list[StoredEvent]:
    """Give up to `limit` stored events that follow number `after`, of a running or an ended build."""
    return list(islice(log_events(build, after), limit))


def state_document(build: Build) -> dict[str, Any]:
    """Give what live pages and the API say of a build's state, as JSON values."""
    return {
        "uid": build.uid,
        "state": build.state,
        "label": str(State(build.state).label),
        "since": build.state_since.isoformat(),
        "finished": build.finished_at.isoformat() if build.finished_at else None,
        "terminal": build.state in TERMINAL,
        "fault": build.fault,
        "failure_code": build.failure_code,
        "failure_message": build.failure_message,
        "verdict": build.verdict,
        "headline": build.headline,
        "last_seq": build.last_seq,
        "epoch": build.log_epoch,
        "waiting": waiting_mark(build),
        "phases": [phase.as_json() for phase in phases(build)],
    }
