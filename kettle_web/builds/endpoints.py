"""The Kettle servers that builds may be sent to: rows kept equal to the environment, and clients for them."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Endpoint, Pool
from kettle_web.core.secrets import decrypt, encrypt
from kettle_web.env import Env
from kettle_web.kettle_api.client import KettleClient
from kettle_web.outbound.limits import DEFAULT, TransportLimits
from kettle_web.outbound.transport import vetted_async_transport, vetted_transport

EMBEDDED_NAME = "embedded"
EMBEDDED_RUNNING = 4
"""Builds that the embedded server is given at a time: two that it runs, and two at hand, so that it never waits for the next one."""


def origin_of(url: str) -> str:
    """Give scheme, host and port of `url`: what a token is bound to. Raises `BuildError` when it is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise BuildError("endpoint-url", _("The address of a Kettle server must look like https://host or http://host:port."))
    return f"{parts.scheme}://{parts.hostname}:{port or (443 if parts.scheme == 'https' else 80)}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_check(base_url: str) -> None:
    """Raise `BuildError` where a token would cross a network in the clear."""
    parts = urlsplit(base_url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise BuildError("endpoint-token-plain", _("A token is sent over HTTPS only. Use an https:// address for this server."))


def endpoint_save(*, name: str, base_url: str, token: str = "", **fields: Any) -> Endpoint:
    """Create or change the server called `name` as the environment says. A token is bound to the origin it is given with."""
    base_url = base_url.rstrip("/")
    changes = {"base_url": base_url, "is_enabled": True, "managed_by": Endpoint.ManagedBy.ENVIRONMENT, "pool": None, **fields}
    endpoint, _created = Endpoint.objects.update_or_create(name=name, defaults=changes | token_columns(base_url, token))
    return endpoint


def token_columns(base_url: str, token: str) -> dict[str, str]:
    """Give the columns of a token that is stored for this address, none for an empty one. Raises `BuildError`."""
    origin = origin_of(base_url)
    if not token:
        return {"token_encrypted": "", "token_origin": ""}
    token_check(base_url)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BuildError("endpoint-token", _("The token contains characters that cannot be sent in a header. Copy it again."))
    return {"token_encrypted": encrypt(token), "token_origin": origin}


def endpoints_sync(env: Env) -> list[Endpoint]:
    """Make the rows say what the environment says; a server that it no longer names is switched off, never deleted.

    Those that administrators added stay as they are. The embedded one is the default where it runs, else the first of the others,
    unless an administrator chose. Raises `BuildError` naming the server.
    """
    named: list[Endpoint] = []
    with transaction.atomic():
        if env.builder_url:
            named.append(endpoint_save(name=EMBEDDED_NAME, base_url=env.builder_url, is_embedded=True, max_running=EMBEDDED_RUNNING))
        for row in env.endpoints:
            if row.name == EMBEDDED_NAME:
                raise BuildError("endpoint-name", _("«embedded» is the name of this site's own server; choose another."))
            _name_free(row.name)
            said = {"kind": row.kind, "dialect": row.dialect, "operator": row.operator, "max_running": row.max_running}
            named.append(endpoint_save(name=row.name, base_url=row.url, token=row.token, attests=row.attests, **said))
        from_environment = Endpoint.objects.filter(managed_by=Endpoint.ManagedBy.ENVIRONMENT)
        gone = from_environment.exclude(id__in=[endpoint.id for endpoint in named])
        gone.update(is_enabled=False, is_default=False, is_default_chosen=False)
        _default_keep(named)
    return [Endpoint.objects.get(id=endpoint.id) for endpoint in named]


def _name_free(name: str) -> None:
    """Let the environment have the name. Whatever an administrator or a program gave it to stays what it is, its builds with it."""
    for other in Endpoint.objects.filter(name=name).exclude(managed_by=Endpoint.ManagedBy.ENVIRONMENT):
        Endpoint.objects.filter(id=other.id).update(name=f"{name[:80]} (added here, {other.id})")


def _default_keep(named: list[Endpoint]) -> None:
    """Leave the default where an administrator put it, as long as that can be used; else it is the first of the environment."""
    if Endpoint.objects.filter(is_default=True, is_default_chosen=True, is_enabled=True, spent_at=None).exists():
        return
    if Pool.objects.filter(is_default=True, is_enabled=True).exists():
        return
    others = Endpoint.objects.filter(is_enabled=True, spent_at=None, pool=None).order_by("id")
    first = named[0] if named else others.first()
    Pool.objects.update(is_default=False)
    Endpoint.objects.update(is_default=False, is_default_chosen=False)
    if first is not None:
        Endpoint.objects.filter(id=first.id).update(is_default=True)


def endpoint_token(endpoint: Endpoint) -> str:
    """Give the bearer token for the server, or nothing where there is none or the address is not the one it is
    bound to.
    """
    if not endpoint.token_encrypted or endpoint.token_origin != origin_of(endpoint.base_url):
        return ""
    token_check(endpoint.base_url)
    return decrypt(endpoint.token_encrypted)


def _allowed_hosts(endpoint: Endpoint) -> tuple[str, ...]:
    """Hosts that may have a private address: what the operator named in the environment, or their program supplied; nothing else may."""
    if endpoint.managed_by == Endpoint.ManagedBy.SITE:
        return tuple(settings.ALLOWED_SOURCE_HOSTS)
    return (urlsplit(endpoint.base_url).hostname or "", *settings.ALLOWED_SOURCE_HOSTS)


def endpoint_client(endpoint: Endpoint, *, limits: TransportLimits = DEFAULT) -> KettleClient:
    transport = vetted_transport(allowed_hosts=_allowed_hosts(endpoint), limits=limits)
    return KettleClient(endpoint.base_url, token=endpoint_token(endpoint), transport=transport)


def endpoint_async_client(endpoint: Endpoint) -> httpx.AsyncClient:
    transport = vetted_async_transport(allowed_hosts=_allowed_hosts(endpoint))
    return httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False)
