"""Dependencies: by name, by list, and each package's page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from kettle_web.accounts.access import viewer
from kettle_web.core.formfiles import TOO_BIG
from kettle_web.history.dependencies.affected import COLUMNS, affected_page, affected_table, affected_url
from kettle_web.history.dependencies.fragments import DependenciesPage
from kettle_web.history.dependencies.lists import MAX_CHARS, ListUnreadable, WantedList, list_parse
from kettle_web.history.dependencies.names import nix_split, packages_wanted
from kettle_web.history.dependencies.selectors import names_containing, package_keys, package_page, package_url
from kettle_web.history.exports import table_response

QUERY_CHARS = 300


@require_safe
def dependencies(request: HttpRequest) -> HttpResponse:
    """Find a package by its name, or builds by a list."""
    query = request.GET.get("q", "").replace("\x00", "").strip()[:QUERY_CHARS]
    names, is_cut = names_containing(viewer(request), query) if query else ((), False)
    page = DependenciesPage(query, names, is_cut, list_text="", list_error="")
    return render(request, "dependencies/list.html", {"page": page})


@require_safe
def package(request: HttpRequest, ecosystem: str, name: str) -> HttpResponse:
    try:
        page = package_page(viewer(request), ecosystem, name.replace("\x00", ""), request.GET)
    except Http404:
        # By the whole name that nix's provenance states, which is what a build's page lists.
        split, version = nix_split(name) if ecosystem == "nix" else (name, "")
        if not version or not (address := package_url(ecosystem, split, f"={version}")):
            raise
        return redirect(address)
    return render(request, "dependencies/package.html", {"page": page}, status=422 if page.spec_error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def affected(request: HttpRequest) -> HttpResponse:
    """The builds that a list affects. A short list gets an address of its own."""
    text, error = _text(request)
    wanted = _read(text) if text and not error else None
    if wanted is None:
        if not text and not error and request.method != "POST":
            return redirect("dependencies:list")
        error = error or _("No line of this names a package. Write one a line, like xz@5.6.1 or pkg:cargo/serde@1.0.228.")
        page = DependenciesPage("", (), False, list_text=text, list_error=error)
        return render(request, "dependencies/list.html", {"page": page}, status=422)
    below = _below(request)
    address = affected_url(text)
    if request.method == "POST" and address and not below:
        return redirect(address)
    return render(request, "dependencies/affected.html", {"page": affected_page(viewer(request), wanted, text=text, below=below)})


@require_http_methods(["GET", "HEAD", "POST"])
def table(request: HttpRequest, form: str) -> HttpResponseBase:
    """Builds that a list or a package's range affects, as a file."""
    user = viewer(request)
    if request.method != "POST" and "name" in request.GET:
        ecosystem, name = request.GET.get("ecosystem", ""), request.GET["name"].replace("\x00", "")
        versions = request.GET.get("versions", "")
        packages, error = package_keys(ecosystem, name, versions)
        if error:
            raise Http404
        about = {"package": name, "ecosystem": ecosystem, "versions": versions}
    else:
        text, error = _text(request)
        wanted = _read(text) if text and not error else None
        if wanted is None:
            raise Http404
        matches = packages_wanted(wanted.packages)
        packages = list({package.pk: package for found in matches.by_wanted.values() for package in found}.values())
        about = {"list": text, "is_cut": str(wanted.is_cut or matches.is_cut).lower()}
    rows = affected_table(user, packages)
    return table_response(request, form=form, name="affected-builds", columns=COLUMNS, rows=rows, about=about)


def _text(request: HttpRequest) -> tuple[str, str]:
    """The list as it was pasted or uploaded, and what is wrong with it; empty: nothing."""
    too_long = _("This list is longer than one million characters: leave out what is not asked for.")
    if request.META.get(TOO_BIG):
        return "", too_long
    given = request.POST if request.method == "POST" else request.GET
    text = given.get("list", "").replace("\r\n", "\n").strip()
    file = request.FILES.get("file")
    if file is not None and not text:
        data = file.read(MAX_CHARS + 1)
        if len(data) > MAX_CHARS:
            return "", too_long
        text = data.decode("utf-8", "replace").strip()
    return (text, "") if len(text) <= MAX_CHARS else ("", too_long)


def _read(text: str) -> WantedList | None:
    try:
        return list_parse(text)
    except ListUnreadable:
        return None


def _below(request: HttpRequest) -> int:
    text = (request.POST if request.method == "POST" else request.GET).get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
