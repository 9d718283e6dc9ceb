"""The timeline of a build: what began when, what is going on, what is still to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.models import Build
from kettle_web.builds.states import State

LABELS: dict[str, str | Promise] = {
    "queued": _("Queued"),
    "vm": _("Machine"),
    "init": _("Workspace"),
    "detect": _("Toolchain"),
    "build": _("Build"),
    "provenance": _("Provenance"),
    "attest": _("Attestation"),
    "fetch": _("Result"),
    "verify": _("Verification"),
}
REMOTE_PHASES = ("vm", "init", "detect", "build", "provenance", "attest")
"""Named after the types of the server's events; `queued` events belong to our first phase."""
_OPTIONAL = ("vm",)
"""Shown only once there is something to show: most servers tell nothing of it."""


@dataclass(frozen=True)
class Phase:
    name: str
    label: str | Promise
    status: str
    """`pending`, `active`, `done`, `failed`, or `skipped`: later ones began without it."""
    started: datetime | None
    ended: datetime | None

    @property
    def seconds(self) -> float | None:
        if self.started is None or self.ended is None:
            return None
        return max(0.0, (self.ended - self.started).total_seconds())

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": str(self.label),
            "status": self.status,
            "started": self.started.isoformat() if self.started else None,
            "ended": self.ended.isoformat() if self.ended else None,
            "seconds": self.seconds,
        }


def _beginnings(build: Build) -> dict[str, datetime]:
    starts: dict[str, datetime] = {}
    if build.origin != Build.Origin.IMPORT:
        starts["queued"] = build.created_at
        for name in REMOTE_PHASES:
            if name in build.phase_times:
                starts[name] = datetime.fromtimestamp(build.phase_times[name] / 1000, UTC)
    if build.fetching_at:
        starts["fetch"] = build.fetching_at
    if build.verifying_at:
        starts["verify"] = build.verifying_at
    return starts


def phases(build: Build) -> list[Phase]:
    """Give the phases in their order. A phase ends where the next one that began begins, the last one with the
    build.
    """
    starts = _beginnings(build)
    names = [name for name in LABELS if name in starts or (name not in _OPTIONAL and build.origin != Build.Origin.IMPORT)]
    if build.origin == Build.Origin.IMPORT:
        names = ["verify"]
    begun = [name for name in names if name in starts]
    result = []
    for name in names:
        if name not in starts:
            later = any(names.index(other) > names.index(name) for other in begun)
            result.append(Phase(name, LABELS[name], "skipped" if later else "pending", None, None))
            continue
        following = begun[begun.index(name) + 1 :]
        ended = starts[following[0]] if following else build.finished_at
        status = "done" if ended else "active"
        if not following and build.state in (State.FAILED, State.ABANDONED):
            status = "failed"
        result.append(Phase(name, LABELS[name], status, starts[name], ended))
    return result
