"""Whether the Kettle servers answer: asked regularly, and at once after something went wrong. What is out of order gets no new build."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.endpoints import endpoint_client
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Endpoint
from kettle_web.builds.unhealthy import UNHEALTHY_AFTER
from kettle_web.core.errors import CoreError
from kettle_web.kettle_api.errors import KettleError
from kettle_web.outbound.limits import TransportLimits

LOOK_SECONDS: Final = 3.0
"""Between two looks at who is due."""
SOUND_SECONDS: Final = 30
"""A server that answers is asked so often."""
UNSOUND_SECONDS: Final = 5
"""One that does not: builds may be waiting for it."""
AT_ONCE: Final = 16
MOST: Final = 500
"""Of one look; the others come with the next ones, longest unasked first."""
LIMITS: Final = TransportLimits(max_connections=1, connect_seconds=5.0, connection_seconds=10.0)


def health_look(now: datetime) -> int:
    """Ask every server that is due; give how many. The connections are made side by side: one that is slow delays no other."""
    sound = Q(health_failures=0, health_checked_at__lte=now - timedelta(seconds=SOUND_SECONDS))
    unsound = Q(health_failures__gt=0, health_checked_at__lte=now - timedelta(seconds=UNSOUND_SECONDS))
    due = Endpoint.objects.filter(Q(health_checked_at=None) | sound | unsound, is_enabled=True, spent_at=None, leased_build=None)
    rows = list(due.exclude(base_url="").order_by(F("health_checked_at").asc(nulls_first=True), "id")[:MOST])
    if not rows:
        return 0
    with ThreadPoolExecutor(min(AT_ONCE, len(rows)), thread_name_prefix="health") as pool:
        # Only the network in the threads; the database in this one.
        for endpoint, error in zip(rows, pool.map(_ask, rows), strict=True):
            _note(endpoint, error)
    return len(rows)


def endpoint_check(endpoint: Endpoint) -> str:
    """Ask one server now and note it; give why it cannot be used, empty: it answers."""
    error = _ask(endpoint)
    _note(endpoint, error)
    return error


def endpoint_doubt(endpoint: Endpoint, message: str) -> None:
    """Note that the server could not be reached for a build, and have it asked at once. A machine in a pool has others beside it."""
    changes: dict[str, Any] = {"health_checked_at": None}
    if endpoint.pool_id:
        changes |= {"health_failures": UNHEALTHY_AFTER, "health_failed_at": timezone.now(), "health_error": message}
    Endpoint.objects.filter(id=endpoint.id).update(**changes)


def _ask(endpoint: Endpoint) -> str:
    try:
        with endpoint_client(endpoint, limits=LIMITS) as client:
            client.health()
    except (KettleError, BuildError, CoreError) as error:
        return error.message
    except Exception as error:
        return _("Asking it broke on our side: %(kind)s.") % {"kind": type(error).__name__}
    return ""


def _note(endpoint: Endpoint, error: str) -> None:
    now = timezone.now()
    rows = Endpoint.objects.filter(id=endpoint.id, base_url=endpoint.base_url)
    if error:
        rows.update(health_checked_at=now, health_failed_at=now, health_failures=F("health_failures") + 1, health_error=error[:1000])
    else:
        rows.update(health_checked_at=now, health_ok_at=now, health_failures=0, health_error="")
