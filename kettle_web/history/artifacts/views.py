"""«Which build made this file?»: the page of a digest, and the way to it."""

from __future__ import annotations

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from kettle_web.accounts.access import viewer
from kettle_web.history.artifacts.selectors import artifact_page
from kettle_web.provenance.digests import digest_parse
from kettle_web.provenance.errors import ProvenanceError

MAX_CHARS = 200
_HEX = re.compile(r"[0-9a-f]{64}")


@require_safe
def which(request: HttpRequest) -> HttpResponse:
    """Ask for a file, or for a digest in any spelling, which leads to its page."""
    typed = request.GET.get("digest", "").strip()
    found = digest_read(typed) if typed else ""
    if found:
        return redirect("artifacts:page", found)
    return render(request, "artifacts/which.html", {"typed": typed[:MAX_CHARS], "is_wrong": bool(typed)}, status=422 if typed else 200)


@require_safe
def artifact(request: HttpRequest, sha256: str) -> HttpResponse:
    """Every build that produced or names a file of this digest."""
    if not _HEX.fullmatch(sha256):
        found = digest_read(sha256)
        if not found:
            raise Http404
        return redirect("artifacts:page", found)
    return render(request, "artifacts/page.html", {"page": artifact_page(viewer(request), sha256, request.GET)})


def digest_read(typed: str) -> str:
    """Give the SHA-256 that a text spells, as 64 lower-case hex digits; empty: it spells none."""
    if len(typed) > MAX_CHARS:
        return ""
    text = typed.replace("-", "+").replace("_", "/") if len(typed.rstrip("=")) == 43 else typed
    text = text.lower() if re.fullmatch(r"[0-9A-Fa-f]{64}", text) else re.sub(r"^sha256(?=[-:])", "sha256", text, flags=re.IGNORECASE)
    try:
        return digest_parse(text, "sha256").hex
    except ProvenanceError:
        return ""
