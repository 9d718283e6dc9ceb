"""What every template may read."""

from typing import Any

from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Give the values that every page needs."""
    return {}
