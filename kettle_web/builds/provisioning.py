"""Keeps pools supplied: how many machines are wanted, a row for each before anyone is asked, and the end of the spent ones.

The row comes first, with a key of its own; the program is asked with that key until it has answered. Killed anywhere in between,
the next look asks again with the same key, and the contract says that this gives the same machine.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.endpoints import token_columns
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Build, Endpoint, Pool
from kettle_web.builds.provisioner import ProvisionError, machine_create, machine_destroy, provisioner_is_set
from kettle_web.builds.states import State
from kettle_web.core.dispatch import enqueue
from kettle_web.kettle_api.endpoint import endpoint_parse
from kettle_web.kettle_api.errors import KettleError

logger = logging.getLogger(__name__)
LOOK_SECONDS: Final = 3.0
TASK: Final = "builds.provision_machine"
PENDING_SECONDS: Final = 5.0
"""Between two questions after a machine that is on its way."""
BACKOFF_SECONDS: Final = (5, 15, 30, 60, 120, 300)
ON_THE_MACHINE: Final = (State.SUBMITTING, State.BUILDING, State.FETCHING)
"""States in which a build still needs its machine."""
READY, REQUESTED, DESTROYED = Endpoint.Provision.READY, Endpoint.Provision.REQUESTED, Endpoint.Provision.DESTROYED
BATCH: Final = 100
DEAD_AFTER: Final = 100
"""Health checks in a row, ten minutes of them or more, that a supplied machine may leave unanswered before it is given up."""


def pools_supply(now: datetime) -> int:
    """Make rows for the machines that are wanted and set every call going that is due; give how many calls."""
    if not provisioner_is_set():
        return 0
    _dead_spend(now)
    for pool in Pool.objects.filter(is_provisioned=True, is_enabled=True):
        _rows_make(pool)
    due = _due(now).order_by("provision_next_at", "id").values_list("id", flat=True)[:BATCH]
    for endpoint_id in due:
        enqueue(TASK, endpoint_id)
    return len(due)


def _due(now: datetime) -> Any:
    """Machines that are asked for and not here, or spent and not gone, and that nobody is asking about."""
    wanted = Q(provision=REQUESTED, spent_at=None)
    unwanted = Q(provision__in=(REQUESTED, READY), spent_at__isnull=False)
    free = (Q(provision_until=None) | Q(provision_until__lt=now)) & (Q(provision_next_at=None) | Q(provision_next_at__lte=now))
    in_use = Endpoint.objects.filter(builds__state__in=ON_THE_MACHINE).values("id")
    return Endpoint.objects.filter(free, wanted | unwanted).exclude(id__in=in_use)


def _dead_spend(now: datetime) -> None:
    """Give up machines that nothing was sent to and that never answer: else each would take a place of its pool for ever."""
    dead = Endpoint.objects.filter(provision=READY, spent_at=None, leased_build=None, health_failures__gte=DEAD_AFTER)
    dead.update(spent_at=now, spent_reason=_("It was supplied, and did not answer for ten minutes. No build was sent to it meanwhile."))


def _rows_make(pool: Pool) -> None:
    with transaction.atomic():
        # Several workers look at once: the pool's row is the turnstile.
        Pool.objects.select_for_update().get(id=pool.id)
        machines = Endpoint.objects.filter(pool=pool).exclude(provision=DESTROYED)
        existing = machines.exclude(provision="").count()
        at_hand = machines.filter(spent_at=None, leased_build=None, is_enabled=True).count()
        waiting = Build.objects.filter(pool=pool, state=State.QUEUED).count()
        missing = min(pool.min_ready + waiting - at_hand, pool.max_machines - existing)
        for _number in range(max(0, missing)):
            key = secrets.token_hex(16)
            Endpoint.objects.create(
                name=f"{pool.name[:80]}/{key[:12]}",
                pool=pool,
                kind=Endpoint.Kind.ONE_SHOT,
                dialect=pool.dialect,
                attests=pool.attests,
                operator=pool.operator,
                managed_by=Endpoint.ManagedBy.PROVISIONER,
                provision=REQUESTED,
                provision_key=key,
            )


def machine_provision(endpoint_id: int) -> None:
    """Make the call that this machine's row asks for. Safe to run twice, also at once."""
    now = timezone.now()
    until = now + timedelta(seconds=settings.ENV.provisioner_seconds + 30)
    if not _due(now).filter(id=endpoint_id).update(provision_until=until):
        return
    machine = Endpoint.objects.select_related("pool").get(id=endpoint_id)
    mine = Endpoint.objects.filter(id=endpoint_id, provision_until=until)
    try:
        changes = _destroyed(machine) if machine.spent_at is not None else _created(machine)
    except (ProvisionError, BuildError, KettleError) as error:
        changes = _again_later(machine, error.message)
    except Exception as error:
        # Whatever an answer does to our own code must not have it asked for every few minutes, with nobody told.
        logger.exception("Supplying machine %s broke.", machine.name)
        changes = _again_later(machine, _("Supplying it broke on our side: %(kind)s.") % {"kind": type(error).__name__})
    mine.update(provision_until=None, **changes)


def _again_later(machine: Endpoint, message: str) -> dict[str, Any]:
    tries = machine.provision_tries + 1
    wait = BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS)) - 1]
    return {"provision_error": message[:1000], "provision_tries": tries, "provision_next_at": _after(wait)}


def _after(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def _created(machine: Endpoint) -> dict[str, Any]:
    assert machine.pool is not None
    supplied = machine_create(pool=machine.pool.name, key=machine.provision_key)
    # What an earlier answer called it counts on: the last one need not say it again.
    ref = supplied.ref or machine.provision_ref
    if not supplied.url:
        return {"provision_next_at": _after(PENDING_SECONDS), "provision_error": "", "provision_ref": ref}
    url = supplied.url.rstrip("/")
    token = token_columns(url, supplied.token)
    endpoint_parse(url)
    ready = {"provision": READY, "base_url": url, "provision_ref": ref, "provision_error": "", "provision_tries": 0}
    return {**ready, "provision_next_at": None, "health_checked_at": None, "health_failures": 0, **token}


def _destroyed(machine: Endpoint) -> dict[str, Any]:
    assert machine.pool is not None
    if not machine_destroy(pool=machine.pool.name, key=machine.provision_key, ref=machine.provision_ref):
        return {"provision_next_at": _after(PENDING_SECONDS), "provision_error": ""}
    # Its token opens nothing any more and need not be kept.
    return {"provision": DESTROYED, "provision_error": "", "provision_next_at": None, "token_encrypted": "", "token_origin": ""}
