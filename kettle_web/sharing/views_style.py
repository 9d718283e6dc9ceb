"""The one style sheet of public pages."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from kettle_web.sharing.style import style_made


@gzip_page
@login_not_required
@require_safe
def style(request: HttpRequest, digest: str) -> HttpResponse:
    """It may be kept for ever under its own digest. Under another, from a page of an earlier release, it is given for once."""
    made = style_made()
    response = HttpResponse(made.text, content_type="text/css; charset=utf-8")
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "public, max-age=31536000, immutable" if digest == made.digest else "no-store"
    return response
