"""The portable proof, as one page and as plain files."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from kettle_web.core.downloads import SAFE_HEADERS
from kettle_web.sharing.access import opened
from kettle_web.sharing.proof import proof_html as html_of
from kettle_web.sharing.proof import proof_zip as zip_of
from kettle_web.sharing.shown import Shown
from kettle_web.sharing.viewlog import Look
from kettle_web.sharing.views import look


def _attachment(data: bytes, name: str, content_type: str) -> HttpResponse:
    """A download: what the page may do is said by the page itself, and only where it is opened from a disk."""
    headers = {**SAFE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(data, content_type=content_type, headers=headers)


@opened()
def proof_html(request: HttpRequest, shown: Shown, token: str) -> HttpResponseBase:
    data = html_of(shown)
    if request.method == "GET":
        look(request, shown.link, Look.PROOF)
    return _attachment(data, "kettle-proof.html", "text/html; charset=utf-8")


@opened()
def proof_zip(request: HttpRequest, shown: Shown, token: str) -> HttpResponseBase:
    data = zip_of(shown)
    if request.method == "GET":
        look(request, shown.link, Look.PROOF)
    return _attachment(data, "kettle-proof.zip", "application/zip")
