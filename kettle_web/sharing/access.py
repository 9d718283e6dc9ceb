"""The door of everything below `/s/<token>`: one decorator, one answer for whatever does not open."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import wraps
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from kettle_web.core.errors import BlobMissing
from kettle_web.sharing.passphrase import cookie_opens, passphrase_try
from kettle_web.sharing.selectors import Opening, opening_of
from kettle_web.sharing.shown import shown_by

View = Callable[..., HttpResponseBase]
"""Takes the request, what is shown, the token, and what else is in the address."""
Closed = Callable[[HttpRequest, Opening, str], HttpResponseBase]

HEADERS: Final = {
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


def closed(request: HttpRequest, opening: Opening, token: str) -> HttpResponseBase:
    """The page «Nothing opens here», the same for every reason."""
    return render(request, "sharing/closed.html", status=404)


def opening_for(request: HttpRequest, token: str) -> Opening:
    """What the token opens for this request: with the cookie of its passphrase, or with the passphrase itself (HTTP Basic)."""
    now = timezone.now()
    opening = opening_of(token, now=now, is_unlocked=lambda link: cookie_opens(request, link))
    passphrase = _basic_passphrase(request)
    # Looked at whatever the token opens, so that its cost says nothing.
    if passphrase is not None and passphrase_try(opening.locked, passphrase, now=now):
        return Opening(link=opening.locked)
    return opening


def _basic_passphrase(request: HttpRequest) -> str | None:
    """The password of an `Authorization: Basic` header, for programs: `curl -u :PASSPHRASE`. Browsers are never asked for one."""
    scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def opened(*, otherwise: Closed = closed, headers: dict[str, str] | None = None) -> Callable[[View], View]:
    """Let the view see what the token opens. Whatever does not open, or is not behind it, is one and the same answer.

    The answers are for nobody's index, cache or referrer; no session is looked at and no cookie set.
    """

    def decorate(view: View) -> View:
        @login_not_required
        @require_safe
        @wraps(view)
        def wrapped(request: HttpRequest, token: str, **kwargs: str) -> HttpResponseBase:
            opening = opening_for(request, token)
            response: HttpResponseBase
            try:
                if opening.link is None:
                    raise Http404
                response = view(request, shown_by(opening.link), token, **kwargs)
            except (Http404, BlobMissing):
                response = otherwise(request, opening, token)
            return guarded(response, headers)

        return wrapped

    return decorate


def guarded(response: HttpResponseBase, headers: dict[str, str] | None = None) -> HttpResponseBase:
    """Put the headers of every answer below `/s/` on it."""
    for name, value in {**HEADERS, **(headers or {})}.items():
        response[name] = value
    return response
