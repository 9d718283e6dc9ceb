"""The Kettle servers that builds may be sent to: rows kept equal to the environment, and clients for them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Endpoint
from kettle_web.core.secrets import decrypt, encrypt
from kettle_web.env import Env
from kettle_web.kettle_api.client import KettleClient
from kettle_web.outbound.transport import vetted_async_transport, vetted_transport

EMBEDDED_NAME = "embedded"


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


def endpoint_save(
    *, name: str, base_url: str, token: str = "", attests: bool = True, is_embedded: bool = False, is_default: bool = False
) -> Endpoint:
    """Create or change the server called `name`. A token is stored encrypted, bound to the origin it is given with."""
    base_url = base_url.rstrip("/")
    origin = origin_of(base_url)
    if token:
        token_check(base_url)
    endpoint, _created = Endpoint.objects.update_or_create(
        name=name,
        defaults={
            "base_url": base_url,
            "token_encrypted": encrypt(token) if token else "",
            "token_origin": origin if token else "",
            "attests": attests,
            "is_embedded": is_embedded,
            "is_default": is_default,
            "is_enabled": True,
        },
    )
    return endpoint


def endpoints_sync(env: Env) -> list[Endpoint]:
    """Make the rows say what the environment says; a server that it no longer names is switched off, never deleted.

    The embedded one is the default where it runs, else the first of the others. Raises `BuildError` naming the server.
    """
    named: list[Endpoint] = []
    with transaction.atomic():
        if env.builder_url:
            named.append(endpoint_save(name=EMBEDDED_NAME, base_url=env.builder_url, is_embedded=True, is_default=True))
        for row in env.endpoints:
            if row.name == EMBEDDED_NAME:
                raise BuildError("endpoint-name", _("«embedded» is the name of this site's own server; choose another."))
            named.append(endpoint_save(name=row.name, base_url=row.url, token=row.token, attests=row.attests, is_default=not named))
        Endpoint.objects.exclude(id__in=[endpoint.id for endpoint in named]).update(is_enabled=False, is_default=False)
    return named


def endpoint_token(endpoint: Endpoint) -> str:
    """Give the bearer token for the server, or nothing where there is none or the address is not the one it is
    bound to.
    """
    if not endpoint.token_encrypted or endpoint.token_origin != origin_of(endpoint.base_url):
        return ""
    token_check(endpoint.base_url)
    return decrypt(endpoint.token_encrypted)


def _allowed_hosts(endpoint: Endpoint) -> tuple[str, ...]:
    """The operator has named the server in the environment, so its address may be a private one; nothing else may."""
    return (urlsplit(endpoint.base_url).hostname or "", *settings.ALLOWED_SOURCE_HOSTS)


def endpoint_client(endpoint: Endpoint) -> KettleClient:
    transport = vetted_transport(allowed_hosts=_allowed_hosts(endpoint))
    return KettleClient(endpoint.base_url, token=endpoint_token(endpoint), transport=transport)


def endpoint_async_client(endpoint: Endpoint) -> httpx.AsyncClient:
    transport = vetted_async_transport(allowed_hosts=_allowed_hosts(endpoint))
    return httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False)
