"""The answer for a file of a build that is not here any more."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kettle_web.builds.kept import Part, gone_text
from kettle_web.builds.models import Build


def gone_response(request: HttpRequest, build: Build, part: Part) -> HttpResponse:
    """Say to someone who may see the build why a file of it is not here: let go of (410), or lost (404)."""
    status = 404 if getattr(build, part.removed) is None else 410
    context = {"text": gone_text(build, part), "uid": build.uid, "status": status}
    return render(request, "builds/gone.html", context, status=status)
