"""What pages read of builds. `…_for_viewer` is the only way from a request to a build."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import QuerySet
from django.http import Http404

from kettle_web.builds.ansi import ansi_to_text
from kettle_web.builds.eventlog import StoredEvent, chunk_decode
from kettle_web.builds.models import Build, Endpoint, EventChunk, Upload
from kettle_web.builds.phases import Phase, phases
from kettle_web.builds.states import TERMINAL, State

__all__ = [
    "Phase",
    "build_for_viewer",
    "builds_for_viewer",
    "endpoints_enabled",
    "event_lines",
    "event_text",
    "events_after",
    "log_lines",
    "phases",
    "sees_all_builds",
    "state_document",
    "upload_for_owner",
]
Viewer = User | AbstractBaseUser | AnonymousUser


def builds_for_viewer(user: Viewer) -> QuerySet[Build]:
    """Give the builds that `user` may see: their own, or all for administrators or where the setting says
    everyone's.
    """
    if not user.is_authenticated or not user.is_active:
        return Build.objects.none()
    return Build.objects.all() if sees_all_builds(user) else Build.objects.filter(owner_id=user.pk)


def sees_all_builds(user: Viewer) -> bool:
    """Whether someone who is signed in sees everyone's builds and not only their own."""
    return settings.BUILDS_VISIBLE_TO == "everyone" or bool(getattr(user, "is_staff", False))


def build_for_viewer(user: Viewer, uid: str) -> Build:
    """Give a build. Raises `Http404`, the same for one that does not exist and one that `user` may not see."""
    build = builds_for_viewer(user).select_related("endpoint", "owner").filter(uid=uid).first()
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
    """Give the Kettle servers to choose from, the default first."""
    return Endpoint.objects.filter(is_enabled=True)


def events_after(build: Build, after: int, limit: int) -> list[StoredEvent]:
    """Give up to `limit` stored events that follow number `after`."""
    return list(_events(build.id, after, limit))


def _events(build_id: int, after: int, limit: int | None = None) -> Iterator[StoredEvent]:
    count = 0
    chunks = EventChunk.objects.filter(build_id=build_id, last_seq__gt=after).order_by("first_seq")
    for payload in chunks.values_list("payload", flat=True).iterator(20):
        for event in chunk_decode(bytes(payload)):
            if event.seq > after:
                yield event
                count += 1
                if limit is not None and count >= limit:
                    return


def log_lines(build: Build) -> Iterator[str]:
    """Yield the log as plain lines without a line end, as `event_lines` gives them."""
    for event in _events(build.id, 0):
        yield from event_lines(event)


def event_lines(event: StoredEvent) -> list[str]:
    """Give an event as plain lines; what is not the build's own output is marked by its type, the end has none."""
    if event.type == "complete":
        return []
    mark = "" if event.type == "build" else f"[{ansi_to_text(event.type)}] "
    return [mark + ansi_to_text(part) for part in event_text(event).split("\n")]


def event_text(event: StoredEvent) -> str:
    """Give what a line shows of an event; one without a text shows its values, those of an inner object in its place."""
    if event.text or not event.extra:
        return event.text
    return ", ".join(_value_text(name, value) for name, value in event.extra.items())


def _value_text(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(_value_text(inner, part) for inner, part in value.items())
    return f"{name}: {value}"


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
        "phases": [phase.as_json() for phase in phases(build)],
    }
