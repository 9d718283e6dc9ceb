"""What the pages of servers and pools show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from kettle_web.builds.models import Build, Endpoint, Pool
from kettle_web.builds.queue import ON_THE_SERVER, limit_of
from kettle_web.builds.states import State
from kettle_web.builds.unhealthy import UNHEALTHY_AFTER

SPENT_SHOWN = 100


@dataclass(frozen=True)
class EndpointRow:
    """One server or machine."""

    pk: int
    name: str
    address: str
    kind_word: str
    dialect_word: str
    managed_word: str
    is_site: bool
    """Administrators may change it."""
    attests: bool
    operator: str
    is_default: bool
    is_enabled: bool
    has_token: bool
    token_origin: str
    health: str
    """`ok`, `failing`, `unknown`."""
    health_word: str
    health_error: str
    checked_at: datetime | None
    ok_at: datetime | None
    failed_at: datetime | None
    running: int
    waiting: int
    limit: int
    """Builds at a time; 0: any number."""
    status: str
    """Of a one-shot machine: `asked`, `free`, `leased`, `spent`, `destroyed`; empty for a service."""
    status_word: str
    build_uid: str
    """Of a one-shot machine: the build that it is for."""
    spent_at: datetime | None
    spent_reason: str
    provision_error: str
    provision_ref: str


@dataclass(frozen=True)
class PoolRow:
    pk: int
    name: str
    operator: str
    attests: bool
    is_default: bool
    is_enabled: bool
    is_provisioned: bool
    min_ready: int
    max_machines: int
    free: int
    busy: int
    spent: int
    waiting: int
    error: str
    """What supplying its machines last failed with; empty: nothing."""


@dataclass(frozen=True)
class ListPage:
    endpoints: tuple[EndpointRow, ...]
    pools: tuple[PoolRow, ...]


@dataclass(frozen=True)
class EndpointPage:
    row: EndpointRow
    pool: PoolRow | None
    """Of a machine."""


@dataclass(frozen=True)
class PoolPage:
    row: PoolRow
    machines: tuple[EndpointRow, ...]
    """Those that are not spent."""
    spent: tuple[EndpointRow, ...]
    """The newest."""


def list_page() -> ListPage:
    """Four queries, however many there are."""
    rows = Endpoint.objects.filter(pool=None).select_related("leased_build").order_by("-is_enabled", "-is_default", "name")
    return ListPage(tuple(_rows(list(rows))), tuple(_pool_rows(list(Pool.objects.order_by("-is_enabled", "name")))))


def endpoint_page(endpoint: Endpoint) -> EndpointPage:
    pool = _pool_rows([endpoint.pool])[0] if endpoint.pool is not None else None
    return EndpointPage(_rows([endpoint])[0], pool)


def pool_page(pool: Pool) -> PoolPage:
    machines = pool.machines.select_related("leased_build")
    unspent = machines.filter(spent_at=None).order_by("created_at", "id")
    spent = machines.filter(spent_at__isnull=False).order_by("-spent_at", "-id")[:SPENT_SHOWN]
    return PoolPage(_pool_rows([pool])[0], tuple(_rows(list(unspent))), tuple(_rows(list(spent))))


def _rows(endpoints: list[Endpoint]) -> list[EndpointRow]:
    busy = Q(state__in=ON_THE_SERVER)
    waits = Q(state=State.QUEUED)
    found = Build.objects.filter(busy | waits, endpoint__in=endpoints).values("endpoint_id")
    counted = found.annotate(running=Count("id", filter=busy), waiting=Count("id", filter=waits)).order_by()
    counts: dict[int, dict[str, Any]] = {row["endpoint_id"]: {**row} for row in counted}
    return [_row(endpoint, counts.get(endpoint.pk, {})) for endpoint in endpoints]


def _row(endpoint: Endpoint, counts: dict[str, int]) -> EndpointRow:
    health, health_word = _health(endpoint)
    status, status_word = _status(endpoint)
    return EndpointRow(
        pk=endpoint.pk,
        name=endpoint.name,
        address=endpoint.base_url,
        kind_word=_("one-shot") if endpoint.kind == Endpoint.Kind.ONE_SHOT else _("service"),
        dialect_word="JSON" if endpoint.dialect == Endpoint.Dialect.JSON else _("multipart"),
        managed_word=_managed(endpoint),
        is_site=endpoint.managed_by == Endpoint.ManagedBy.SITE,
        attests=endpoint.attests,
        operator=endpoint.operator,
        is_default=endpoint.is_default,
        is_enabled=endpoint.is_enabled,
        has_token=bool(endpoint.token_encrypted),
        token_origin=endpoint.token_origin,
        health=health,
        health_word=health_word,
        health_error=endpoint.health_error,
        checked_at=endpoint.health_checked_at,
        ok_at=endpoint.health_ok_at,
        failed_at=endpoint.health_failed_at,
        running=counts.get("running", 0),
        waiting=counts.get("waiting", 0),
        limit=limit_of(endpoint),
        status=status,
        status_word=status_word,
        build_uid=endpoint.leased_build.uid if endpoint.leased_build is not None else "",
        spent_at=endpoint.spent_at,
        spent_reason=endpoint.spent_reason,
        provision_error=endpoint.provision_error,
        provision_ref=endpoint.provision_ref,
    )


def _managed(endpoint: Endpoint) -> str:
    if endpoint.is_embedded:
        return _("this site's own, from the environment")
    words = {
        Endpoint.ManagedBy.ENVIRONMENT: _("from the environment"),
        Endpoint.ManagedBy.SITE: _("added by an administrator"),
        Endpoint.ManagedBy.PROVISIONER: _("supplied by the program of the environment"),
    }
    return words[Endpoint.ManagedBy(endpoint.managed_by)]


def _health(endpoint: Endpoint) -> tuple[str, str]:
    if not endpoint.is_enabled or endpoint.spent_at is not None:
        return "unknown", _("not asked")
    if endpoint.health_failures >= UNHEALTHY_AFTER:
        return "failing", _("does not answer")
    if endpoint.health_failures:
        return "unknown", _("missed one answer")
    return ("ok", _("answers")) if endpoint.health_ok_at is not None else ("unknown", _("not asked yet"))


def _status(endpoint: Endpoint) -> tuple[str, str]:
    if endpoint.kind != Endpoint.Kind.ONE_SHOT:
        return "", ""
    if endpoint.provision == Endpoint.Provision.DESTROYED:
        return "destroyed", _("spent and destroyed")
    if endpoint.spent_at is not None:
        return "spent", _("spent")
    if endpoint.provision == Endpoint.Provision.REQUESTED:
        return "asked", _("asked for")
    return ("leased", _("in use")) if endpoint.leased_build_id is not None else ("free", _("free"))


def _pool_rows(pools: list[Pool]) -> list[PoolRow]:
    unspent = Q(machines__spent_at=None)
    found = Pool.objects.filter(id__in=[pool.id for pool in pools]).annotate(
        free=Count("machines", filter=unspent & Q(machines__leased_build=None) & ~Q(machines__base_url="")),
        busy=Count("machines", filter=unspent & Q(machines__leased_build__isnull=False)),
        spent=Count("machines", filter=Q(machines__spent_at__isnull=False)),
    )
    counts = {pool.id: pool for pool in found}
    queued = Build.objects.filter(pool__in=pools, state=State.QUEUED).values("pool_id").annotate(count=Count("id")).order_by()
    waiting = {row["pool_id"]: row["count"] for row in queued}
    failing = Endpoint.objects.filter(pool__in=pools).exclude(provision_error="").exclude(provision="destroyed")
    errors = dict(failing.order_by("id").values_list("pool_id", "provision_error"))
    return [
        PoolRow(
            pk=pool.pk,
            name=pool.name,
            operator=pool.operator,
            attests=pool.attests,
            is_default=pool.is_default,
            is_enabled=pool.is_enabled,
            is_provisioned=pool.is_provisioned,
            min_ready=pool.min_ready,
            max_machines=pool.max_machines,
            free=counts[pool.id].free,
            busy=counts[pool.id].busy,
            spent=counts[pool.id].spent,
            waiting=waiting.get(pool.pk, 0),
            error=errors.get(pool.pk, ""),
        )
        for pool in pools
    ]
