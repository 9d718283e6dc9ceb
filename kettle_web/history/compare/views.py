"""Two builds side by side, and the way there."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer
from kettle_web.core.templatetags.kettle import visible
from kettle_web.history.compare.compose import compare_document, compare_page
from kettle_web.history.compare.selectors import choose_page, compared_for_viewer, previous_build
from kettle_web.history.selectors import is_owner_shown, with_titles


@require_safe
@never_cache
def page(request: HttpRequest, uid: str, other_uid: str) -> HttpResponse:
    """Build `uid` on the left against `other_uid` on the right."""
    user = viewer(request)
    left, right = compared_for_viewer(user, uid, other_uid)
    found = compare_page(left, right, parameters=request.GET, path=request.path, with_owner=is_owner_shown(user))
    return render(request, "compare/page.html", {"page": found, "title": visible(found.title)})


@require_safe
@never_cache
def document(request: HttpRequest, uid: str, other_uid: str) -> HttpResponse:
    """The same as JSON, whole."""
    left, right = compared_for_viewer(viewer(request), uid, other_uid)
    return JsonResponse(compare_document(left, right), json_dumps_params={"ensure_ascii": False, "indent": 2})


@require_safe
@never_cache
def choose(request: HttpRequest, uid: str) -> HttpResponse:
    """Which build to compare with."""
    user = viewer(request)
    build = _build(request, uid)
    found = choose_page(viewer=user, build=build, parameters=request.GET, path=request.path, has_no_previous="no-previous" in request.GET)
    template = "compare/_candidates.html" if getattr(request, "htmx", False) else "compare/choose.html"
    response = render(request, template, {"page": found})
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@never_cache
def previous(request: HttpRequest, uid: str) -> HttpResponse:
    """Lead to the comparison with the build before; where there is none, to a choice."""
    build = _build(request, uid)
    found = previous_build(viewer(request), build)
    if found is None:
        return redirect(reverse("compare:choose", args=[build.uid]) + "?no-previous=1")
    return redirect("compare:page", found.uid, build.uid)


def _build(request: HttpRequest, uid: str) -> Build:
    build = with_titles(builds_for_viewer(viewer(request))).filter(uid=uid).first()
    if build is None:
        raise Http404
    return build
