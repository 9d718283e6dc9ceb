"""What a build may be submitted to: servers and pools that are switched on, each with what a person should know before choosing."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kettle_web.builds.machines import FREE
from kettle_web.builds.models import Endpoint, Pool
from kettle_web.builds.selectors import endpoints_enabled
from kettle_web.builds.unhealthy import UNHEALTHY_AFTER


@dataclass(frozen=True)
class Target:
    """One choice of the submission form: either a server or a pool."""

    value: str
    name: str
    is_default: bool
    endpoint: Endpoint | None
    pool: Pool | None
    facts: tuple[str, ...]
    """What it is, whether it attests, who may read the source: whole sentences."""
    trouble: str
    """Why a build would wait there now; empty: it would not."""

    @property
    def is_embedded(self) -> bool:
        return self.endpoint is not None and self.endpoint.is_embedded


def targets() -> tuple[Target, ...]:
    """Give every choice, the default first. Two queries."""
    # Machines that a build could have now, counted from their pool.
    free = Q(machines__in=Endpoint.objects.filter(FREE))
    pools = Pool.objects.filter(is_enabled=True).annotate(free=Count("machines", filter=free))
    found = [_of_endpoint(endpoint) for endpoint in endpoints_enabled()] + [_of_pool(pool, pool.free) for pool in pools]
    return tuple(sorted(found, key=lambda target: (not target.is_default, target.name.lower())))


def target_find(value: str) -> Target | None:
    """Give the choice of this value, or of a server's bare number; nothing chosen is the default. None: there is none (any more)."""
    known = targets()
    if not value:
        return known[0] if known else None
    wanted = f"endpoint-{value}" if value.isascii() and value.isdigit() else value
    return next((target for target in known if target.value == wanted), None)


def _attesting(attests: bool) -> str:
    if attests:
        return _("Its machine is expected to attest what it did; a result without evidence counts as failed.")
    return _("It does not attest: its results are built, not proven.")


def _reader(operator: str, *, is_embedded: bool = False) -> str:
    if is_embedded:
        return _("It runs beside this site: whoever operates the site may be able to read the source.")
    if operator:
        return _("%(name)s operates it and may be able to read the source.") % {"name": operator}
    return _("Whoever operates it may be able to read the source.")


def _of_endpoint(endpoint: Endpoint) -> Target:
    is_one_shot = endpoint.kind == Endpoint.Kind.ONE_SHOT
    what = _("A machine that builds once, for whoever comes first.") if is_one_shot else _("A service for any number of builds.")
    attests = _("It attests with simulated evidence, by design.") if endpoint.is_embedded else _attesting(endpoint.attests)
    facts = [what, attests, _reader(endpoint.operator, is_embedded=endpoint.is_embedded)]
    if endpoint.dialect == Endpoint.Dialect.MULTIPART:
        facts.append(_("It reports no progress and takes no nonce; archives must be ZIPs."))
    trouble = _("It does not answer just now: a build waits until it does.") if endpoint.health_failures >= UNHEALTHY_AFTER else ""
    return Target(f"endpoint-{endpoint.pk}", endpoint.name, endpoint.is_default, endpoint, None, tuple(facts), trouble)


def _of_pool(pool: Pool, free: int) -> Target:
    facts = [_("A fresh machine for each build."), _attesting(pool.attests), _reader(pool.operator)]
    if pool.dialect == Endpoint.Dialect.MULTIPART:
        facts.append(_("It reports no progress and takes no nonce; archives must be ZIPs."))
    if free:
        facts.append(ngettext("%(count)d machine is free now.", "%(count)d machines are free now.", free) % {"count": free})
    trouble = "" if free else _("No machine is free just now: a build waits for one.")
    return Target(f"pool-{pool.pk}", pool.name, pool.is_default, None, pool, tuple(facts), trouble)
