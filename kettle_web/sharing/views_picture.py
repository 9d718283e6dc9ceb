"""What other pages embed: the badge and the card."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt

from kettle_web.sharing.access import View, opened
from kettle_web.sharing.badge import UNAVAILABLE, badge_etag, badge_svg
from kettle_web.sharing.compose import share_page
from kettle_web.sharing.selectors import Opening
from kettle_web.sharing.shown import Shown
from kettle_web.sharing.viewlog import Look
from kettle_web.sharing.views import look

BADGE_HEADERS = {
    # Image proxies keep what they may keep: they must ask again each time, and are told with few bytes that nothing changed.
    "Cache-Control": "no-cache, max-age=0, must-revalidate",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


def badge_response(request: HttpRequest, verdict: str) -> HttpResponse:
    """The picture for a verdict. Status 200 whatever it says: proxies show nothing of an error's body."""
    svg = badge_svg(verdict)
    etag = badge_etag(svg)
    seen = [part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")]
    response = HttpResponse(status=304) if etag in seen else HttpResponse(svg, content_type="image/svg+xml; charset=utf-8")
    response["ETag"] = etag
    # Opened by itself it may use its own style, known by its hash, and nothing else.
    style = re.search(rb"<style>(.*?)</style>", svg, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[1] if style else b"").digest()).decode("ascii")
    response["Content-Security-Policy"] = f"default-src 'none'; style-src 'sha256-{digest}'; sandbox"
    return response


def _unavailable(request: HttpRequest, opening: Opening, token: str) -> HttpResponseBase:
    return badge_response(request, UNAVAILABLE)


@opened(otherwise=_unavailable, headers=BADGE_HEADERS)
def badge(request: HttpRequest, shown: Shown, token: str) -> HttpResponseBase:
    """The present verdict in words. Not counted as a look: proxies ask on nobody's behalf."""
    return badge_response(request, shown.report.now.verdict.value)


def _card_closed(request: HttpRequest, opening: Opening, token: str) -> HttpResponseBase:
    return render(request, "sharing/card_closed.html", status=404)


def frameable(view: View) -> View:
    """Let any page frame the answers; nowhere else is that allowed."""

    @xframe_options_exempt
    @wraps(view)
    def wrapped(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        response = view(request, **kwargs)
        response._csp_replace = {"frame-ancestors": ["*"]}  # type: ignore[attr-defined]
        return response

    return wrapped


@frameable
@opened(otherwise=_card_closed)
def card(request: HttpRequest, shown: Shown, token: str) -> HttpResponseBase:
    """The card that other pages frame. It fetches the evidence and verifies by itself; nothing that its parent says is heard."""
    if request.method == "GET":
        look(request, shown.link, Look.CARD)
    return render(request, "sharing/card.html", {"page": share_page(shown, token)})
