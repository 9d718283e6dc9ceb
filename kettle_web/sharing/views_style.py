"""The one style sheet of public pages, the one script of each, and its sentences in other languages."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from kettle_web.sharing.reasons import reasons_said
from kettle_web.sharing.script import ENTRIES, script_made
from kettle_web.sharing.style import style_made


@gzip_page
@login_not_required
@require_safe
def style(request: HttpRequest, digest: str) -> HttpResponse:
    """It may be kept for ever under its own digest. Under another, from a page of an earlier release, it is given for once."""
    made = style_made()
    return _kept(made.text, "text/css", is_own=digest == made.digest)


@gzip_page
@login_not_required
@require_safe
def script(request: HttpRequest, name: str) -> HttpResponse:
    """`name`: of the entry, a hyphen, and a digest; kept like the style sheet."""
    entry, _hyphen, digest = name.partition("-")
    if entry not in ENTRIES:
        raise Http404
    made = script_made(entry)
    return _kept(made.text, "text/javascript", is_own=digest == made.digest)


@gzip_page
@login_not_required
@require_safe
def reasons(request: HttpRequest, language: str) -> HttpResponse:
    """The sentences of the browser's verifier in one of the site's languages, as JSON: pairs of English and translated."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    response = JsonResponse(reasons_said(language), safe=False, json_dumps_params={"ensure_ascii": False})
    response["Cache-Control"] = "public, max-age=3600"
    return response


def _kept(text: bytes, kind: str, *, is_own: bool) -> HttpResponse:
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "public, max-age=31536000, immutable" if is_own else "no-store"
    return response
