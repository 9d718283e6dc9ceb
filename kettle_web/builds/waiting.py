"""What a page says to someone whose build has not begun: place in the line, why, and about when. Read from the build's own row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.models import Build, Endpoint
from kettle_web.builds.queue_plan import Reason
from kettle_web.builds.states import State

REASONS: Final[dict[str, Promise]] = {
    Reason.NEXT: _("It is next: a worker of this site takes it in a moment."),
    Reason.BACKING_OFF: _("The last try did not reach the Kettle server; it is tried again by itself."),
    Reason.OWN_LIMIT: _("You have as many builds running as one person may have here; it begins when one of them ends."),
    Reason.ENDPOINT_LIMIT: _("«%(name)s» has as many builds as it is given at a time; it begins when a place is free."),
    Reason.SENDING: _("Other builds are on their way to «%(name)s» just now; this one follows as soon as one of them is there."),
    Reason.UNHEALTHY: _("«%(name)s» does not answer just now. It is asked every few seconds, and the build begins when it answers again."),
    Reason.POOL_EMPTY: _("No machine of «%(name)s» is free: each builds once, and the next one is not there yet."),
    Reason.SPENT: _("«%(name)s» builds once and has had its build. Stop this one and choose another server."),
    Reason.OFF: _("«%(name)s» is switched off. It begins when an administrator switches it on again."),
}


@dataclass(frozen=True)
class Waiting:
    """`templates/builds/_waiting.html`."""

    position: int | None
    """In the line of its server or pool, from 1; None: not known yet."""
    reason: str
    """Why it waits, a sentence; empty: not known yet."""
    again_at: datetime | None
    """When the next try is made, exactly; None: it does not wait for one."""
    starts_at: datetime | None
    """About when it may begin, from recent builds; None: unknown."""
    remote_position: int | None
    """Place in the server's own line."""
    is_silent: bool
    """Being built by a server that reports no progress."""


def waiting_view(build: Build) -> Waiting | None:
    """Give what is to be said; None: nothing keeps this build waiting."""
    is_queued = build.state == State.QUEUED
    is_silent = build.state == State.BUILDING and build.endpoint is not None and build.endpoint.dialect == Endpoint.Dialect.MULTIPART
    remote = build.remote_position if build.state == State.BUILDING and not _has_begun(build) else None
    if not is_queued and not is_silent and remote is None:
        return None
    if not is_queued:
        return Waiting(None, "", None, None, remote, is_silent)
    place = build.pool or build.endpoint
    sentence = REASONS.get(build.queue_reason)
    is_backing_off = build.queue_reason == Reason.BACKING_OFF
    return Waiting(
        position=build.queue_position,
        reason=str(sentence) % {"name": place.name if place is not None else ""} if sentence is not None else "",
        again_at=build.next_try_at if is_backing_off else None,
        starts_at=build.queue_starts_at,
        remote_position=None,
        is_silent=False,
    )


def _has_begun(build: Build) -> bool:
    return bool(set(build.phase_times) - {"queued", "vm"})


def waiting_mark(build: Build) -> list[object]:
    """What of the waiting an open page has to be told about when it changes, as JSON values."""
    moments = (build.next_try_at, build.queue_starts_at)
    if build.state != State.QUEUED:
        return [build.remote_position]
    return [build.queue_position, build.queue_reason, *(moment.isoformat() if moment else None for moment in moments)]
