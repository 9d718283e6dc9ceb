"""Projects: the list, and the page of each."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from kettle_web.accounts.access import viewer
from kettle_web.history.alarms.selectors import project_for_viewer
from kettle_web.history.exports import table_response
from kettle_web.history.projects.selectors import latest_samples, project_page, projects_page


@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    return render(request, "projects/list.html", {"page": projects_page(viewer(request), request.GET)})


@require_safe
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """A project, by its key or by its readable address, which is where the key alone leads."""
    user = viewer(request)
    found = project_for_viewer(user, slug)
    if slug != found.slug:
        return redirect("projects:page", found.slug)
    return render(request, "projects/page.html", {"page": project_page(user, slug, request.GET)})


@require_safe
def samples(request: HttpRequest, slug: str, form: str) -> HttpResponseBase:
    """The numbers of the plots as a file."""
    found = latest_samples(viewer(request), slug)
    rows = ((row.uid, row.ref, row.created_at, row.seconds, row.bytes, row.verdict) for row in found)
    columns = ("build", "ref", "created_at", "seconds", "bytes", "verdict")
    return table_response(request, form=form, name="project", columns=columns, rows=rows, about={"project": slug})
