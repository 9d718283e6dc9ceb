"""Home and the build page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.selectors import build_for_viewer
from kettle_web.pages.compose import build_page, home_page, live_rows
from kettle_web.sharing.forms import LinkForm


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """What is running, what came last, and where to begin."""
    return render(request, "pages/home.html", {"page": home_page(viewer(request))})


@require_safe
@never_cache
def rows(request: HttpRequest) -> HttpResponse:
    """The rows of the builds that `uid` names, as lists show them; names that the viewer may not see give none."""
    return render(request, "pages/_rows.html", {"rows": live_rows(viewer(request), request.GET.getlist("uid"))})


@require_safe
@never_cache
def build(request: HttpRequest, uid: str) -> HttpResponse:
    """A build, whole; for a page that is already open, the parts that change (`live.js` swaps them by their id)."""
    user = viewer(request)
    is_open = bool(getattr(request, "htmx", False))
    found = build_for_viewer(user, uid)
    page = build_page(found, user, now=timezone.now(), want_log=not is_open)
    template = "pages/_build_fresh.html" if is_open else "pages/build.html"
    return render(request, template, {"page": page, "form": LinkForm(build=found)})
