"""What every template may read."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True)
class Site:
    """The installation, as its pages speak of it."""

    public_url: str
    """Scheme and host that links use, without a slash at the end."""
    is_reachable: bool
    """False while `public_url` points to this very machine: a link made here opens nowhere else."""
    is_secure: bool
    """Whether links use HTTPS; without it a visitor's browser offers no cryptography."""


def site(request: HttpRequest) -> dict[str, Any]:
    """Give the values that every page needs."""
    public = urlsplit(settings.PUBLIC_URL)
    host = public.hostname or ""
    is_loopback = host == "localhost" or host.endswith(".localhost") or host.startswith("127.") or host == "::1"
    return {
        "site": Site(
            public_url=settings.PUBLIC_URL,
            is_reachable=not is_loopback,
            is_secure=public.scheme == "https",
        )
    }
