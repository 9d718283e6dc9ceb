"""What every template may read."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True)
class Site:
    """The installation, as its pages speak of it."""

    public_url: str
    """Scheme and host that links use, without a slash at the end."""


def site(request: HttpRequest) -> dict[str, Any]:
    """Give the values that every page needs."""
    return {"site": Site(public_url=settings.PUBLIC_URL)}
