"""Machines that build once: leased to one build, then spent. Every step is one conditional update.

    free → leased → spent
    leased → free            only when certainly nothing of the build has reached it

A machine is an `Endpoint` of kind one-shot, alone or in a pool. It is spent from the moment that a submission to it was accepted,
was answered with 409, or may have arrived; it is never asked a second time then.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.models import Attempt, Build, Endpoint
from kettle_web.builds.states import RUNNING
from kettle_web.builds.unhealthy import UNHEALTHY_AFTER

FREE = Q(is_enabled=True, spent_at=None, leased_build=None, health_failures__lt=UNHEALTHY_AFTER) & ~Q(base_url="")
ONE_SHOT = Endpoint.Kind.ONE_SHOT
MAY_HAVE_ARRIVED = (Attempt.Outcome.SENT, Attempt.Outcome.UNKNOWN, Attempt.Outcome.ACCEPTED)


def machine_lease(build: Build, *, now: datetime) -> Endpoint | None:
    """Give the server that the build may be sent to now; a one-shot machine is its own from then on. None: none is free."""
    if build.pool_id is None:
        endpoint = build.endpoint
        if endpoint is None or (endpoint.kind == ONE_SHOT and not _lease(endpoint, build)):
            return None
        return endpoint
    # The one that has waited longest first: a fresh machine may still be starting.
    for machine in Endpoint.objects.filter(FREE, pool_id=build.pool_id, kind=ONE_SHOT).order_by("created_at", "id"):
        if _lease(machine, build):
            return machine
    return None


def _lease(machine: Endpoint, build: Build) -> bool:
    mine = Q(leased_build=None) | Q(leased_build=build)
    # A build gets one machine at a time: what it may still hold from before is not in doubt, or it would not be queued.
    Endpoint.objects.filter(leased_build=build, spent_at=None).exclude(id=machine.id).update(leased_build=None)
    return bool(Endpoint.objects.filter(mine, id=machine.id, spent_at=None, is_enabled=True).update(leased_build=build))


def machine_spend(endpoint: Endpoint, reason: str, *, goes_on_elsewhere: bool = False) -> None:
    """Take the machine out of use for good; nothing for a server that takes any number of builds.

    `goes_on_elsewhere`: the build that it was leased to takes another one.
    """
    changes: dict[str, Any] = {"spent_at": timezone.now(), "spent_reason": reason}
    if goes_on_elsewhere:
        changes["leased_build"] = None
    Endpoint.objects.filter(id=endpoint.id, kind=ONE_SHOT, spent_at=None).update(**changes)


def machine_release(endpoint: Endpoint, build_id: int) -> None:
    """Give a machine back that nothing of the build has reached."""
    Endpoint.objects.filter(id=endpoint.id, kind=ONE_SHOT, spent_at=None, leased_build_id=build_id).update(leased_build=None)


def spent_by(build: Build) -> str:
    # It has accepted the build and may still be at it.
    return _("It took %(uid)s.") % {"uid": build.uid}


def perhaps_spent_by(build: Build) -> str:
    return _("Build %(uid)s was sent to it and no answer came: it is perhaps that one which it builds.") % {"uid": build.uid}


def perhaps_ours(endpoint: Endpoint, build: Build, attempt: Attempt) -> Attempt | None:
    """The earlier submission to this machine that may be the one which it has accepted; None: it was somebody else's."""
    in_doubt = Q(outcome__in=(Attempt.Outcome.SENT, Attempt.Outcome.UNKNOWN)) | Q(cut_at__isnull=False)
    rows = Attempt.objects.filter(in_doubt, endpoint=endpoint).exclude(id=attempt.id, cut_at=None).select_related("build").order_by("id")
    # This build's own ones matter more than those of others.
    return min(rows, key=lambda row: row.build_id != build.id, default=None)


def machines_tidy(now: datetime) -> int:
    """Settle the machines of builds that ended while they held one: spent where anything was sent, free again where not."""
    settled = 0
    held = Endpoint.objects.filter(spent_at=None, leased_build__isnull=False).exclude(leased_build__state__in=RUNNING)
    for machine in held.select_related("leased_build"):
        build = machine.leased_build
        assert build is not None
        with transaction.atomic():
            sent = Attempt.objects.filter(build=build, endpoint=machine, outcome__in=MAY_HAVE_ARRIVED).order_by("-id").first()
            if sent is None:
                machine_release(machine, build.id)
            else:
                machine_spend(machine, spent_by(build) if sent.outcome == Attempt.Outcome.ACCEPTED else perhaps_spent_by(build))
        settled += 1
    return settled
