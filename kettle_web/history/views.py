"""The history page; htmx asks the same address for its list alone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kettle_web.accounts.access import viewer
from kettle_web.history.exports import history_response
from kettle_web.history.selectors import history_address, history_page
from kettle_web.history.suggestions import suggestions


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    is_fragment = bool(getattr(request, "htmx", False))
    if not is_fragment and (canonical := history_address(parameters=request.GET, path=request.path)):
        # Filters that were typed become chips and parameters; while someone types, the text stays as it is.
        return HttpResponseRedirect(canonical)
    page = history_page(viewer=viewer(request), parameters=request.GET, path=request.path)
    template = "history/_list.html" if is_fragment else "history/list.html"
    response = render(request, template, {"page": page})
    # One address, two answers: no cache may mix them up.
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@never_cache
def suggest(request: HttpRequest) -> HttpResponse:
    """What the last word in the search box may become: a list to choose from."""
    found = suggestions(viewer=viewer(request), typed=request.GET.get("q", ""))
    return render(request, "history/_suggestions.html", {"suggestions": found})


@require_safe
def history_table(request: HttpRequest, form: str) -> HttpResponseBase:
    """The same builds as a file, `csv` or `json`."""
    return history_response(request, viewer=viewer(request), form=form)
