"""What administrators do to servers and pools. Those of the environment are not theirs to change, only to prefer and to test."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.endpoints import EMBEDDED_NAME, origin_of, token_columns
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Build, Endpoint, Pool, Queue
from kettle_web.builds.queue import queue_held
from kettle_web.builds.states import RUNNING
from kettle_web.kettle_api.endpoint import endpoint_parse
from kettle_web.kettle_api.errors import KettleError
from kettle_web.outbound.addresses import host_vet
from kettle_web.outbound.errors import OutboundError

SITE = Endpoint.ManagedBy.SITE


def address_check(url: str) -> str:
    """Give the address as it is stored. Raises `BuildError` for one that this site must not be led to.

    Administrators are trusted less than the environment: a private or loopback host only where ALLOWED_SOURCE_HOSTS names it.
    """
    url = url.strip().rstrip("/")
    origin_of(url)
    try:
        parsed = endpoint_parse(url)
        host_vet(parsed.host, parsed.port, settings.ALLOWED_SOURCE_HOSTS)
    except KettleError as error:
        raise BuildError("endpoint-url", error.message) from error
    except OutboundError as error:
        if error.code == "address.refused":
            raise BuildError("endpoint-address", error.message) from error
        # A name that is not known just now may be tomorrow; the health check says so on the page.
    return url


def endpoint_add(*, name: str, base_url: str, token: str = "", pool: Pool | None = None, **fields: Any) -> Endpoint:
    """Add a server, or a machine to a pool. Raises `BuildError`."""
    if name == EMBEDDED_NAME:
        raise BuildError("endpoint-name", _("«embedded» is the name of this site's own server; choose another."))
    url = address_check(base_url)
    if pool is not None:
        fields |= _machine_columns(pool)
    try:
        with transaction.atomic():
            return Endpoint.objects.create(name=name, base_url=url, pool=pool, managed_by=SITE, **fields, **token_columns(url, token))
    except IntegrityError as error:
        raise BuildError("endpoint-name", _("There is a server of this name already.")) from error


def _machine_columns(pool: Pool) -> dict[str, Any]:
    """What a machine has from its pool, whatever a form says."""
    return {
        "kind": Endpoint.Kind.ONE_SHOT,
        "attests": pool.attests,
        "dialect": pool.dialect,
        "operator": pool.operator,
        "max_running": None,
    }


def endpoint_change(endpoint: Endpoint, *, base_url: str, **fields: Any) -> bool:
    """Change a server of the site; true where its token was dropped because it now lives elsewhere. Raises `BuildError`."""
    _own(endpoint)
    url = address_check(base_url) if base_url.strip().rstrip("/") != endpoint.base_url else endpoint.base_url
    is_moved = url != endpoint.base_url
    if endpoint.pool is not None:
        fields |= _machine_columns(endpoint.pool)
    drops = is_moved and bool(endpoint.token_encrypted)
    if is_moved:
        # Whoever may type an address must not be able to have a stored token sent there.
        fields |= {"token_encrypted": "", "token_origin": "", "health_checked_at": None, "health_failures": 0, "health_error": ""}
    try:
        with transaction.atomic():
            Endpoint.objects.filter(id=endpoint.id, managed_by=SITE).update(base_url=url, **fields)
    except IntegrityError as error:
        raise BuildError("endpoint-name", _("There is a server of this name already.")) from error
    return drops


def endpoint_token_set(endpoint: Endpoint, token: str) -> None:
    """Replace the token, or with an empty one remove it. Raises `BuildError`."""
    _own(endpoint)
    columns = token_columns(endpoint.base_url, token.strip())
    Endpoint.objects.filter(id=endpoint.id, base_url=endpoint.base_url).update(**columns, health_checked_at=None)


def endpoint_enable(endpoint: Endpoint, *, is_enabled: bool) -> None:
    _own(endpoint)
    changes: dict[str, Any] = {"is_enabled": is_enabled, "health_checked_at": None}
    if not is_enabled:
        changes |= {"is_default": False, "is_default_chosen": False}
    Endpoint.objects.filter(id=endpoint.id).update(**changes)


def pool_enable(pool: Pool, *, is_enabled: bool) -> None:
    Pool.objects.filter(id=pool.id).update(is_enabled=is_enabled, **({} if is_enabled else {"is_default": False}))


def default_choose(place: Endpoint | Pool) -> None:
    """Make a server or pool the one that is chosen beforehand. Raises `BuildError`."""
    is_machine = isinstance(place, Endpoint) and (place.pool_id is not None or place.spent_at is not None)
    if not place.is_enabled or is_machine:
        raise BuildError("endpoint-off", _("Only a server or pool that takes builds can be the default."))
    with transaction.atomic():
        Pool.objects.update(is_default=False)
        Endpoint.objects.update(is_default=False, is_default_chosen=False)
        if isinstance(place, Pool):
            Pool.objects.filter(id=place.id).update(is_default=True)
        else:
            Endpoint.objects.filter(id=place.id).update(is_default=True, is_default_chosen=True)


def machine_remove(machine: Endpoint) -> None:
    """Take a machine out of its pool: one that nothing was sent to is forgotten, any other stays in the list of spent ones."""
    if machine.pool_id is None:
        raise BuildError("endpoint-machine", _("This is no machine of a pool."))
    # Whoever gives machines away waits meanwhile: it is not given to a build while it goes.
    with queue_held():
        busy = Build.objects.filter(endpoint=machine, state__in=RUNNING).exists()
        if busy or Endpoint.objects.filter(id=machine.id, leased_build__isnull=False, spent_at=None).exists():
            raise BuildError("endpoint-busy", _("A build is on this machine. It is spent when that ends."))
        is_traceless = not machine.provision and not machine.attempts.exists() and not machine.builds.exists()
        free = Endpoint.objects.filter(id=machine.id, leased_build=None, spent_at=None)
        if is_traceless:
            free.delete()
        else:
            free.update(spent_at=timezone.now(), spent_reason=_("An administrator took it out of the pool."))


def limit_per_user_set(number: int | None) -> None:
    """Builds of one person at a time; 0: any number; None: as the environment says."""
    Queue.objects.update_or_create(id=1, defaults={"per_user": number})


def _own(endpoint: Endpoint) -> None:
    if endpoint.managed_by != SITE:
        raise BuildError("endpoint-environment", _("This server comes from the environment and is changed there."))
