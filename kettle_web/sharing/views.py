"""Links: made and revoked by those who may share a build, and what they open for everyone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.models import Build
from kettle_web.core.downloads import download_response
from kettle_web.core.errors import BlobMissing
from kettle_web.sharing import selectors, services
from kettle_web.sharing.forms import LinkForm
from kettle_web.sharing.fragments import NewLink, SharePage
from kettle_web.sharing.models import ShareLink
from kettle_web.verifications.compose import Addresses
from kettle_web.verifications.reports import report_response
from kettle_web.verifications.selectors import artifact_stored, artifact_url_name, raw_file_sha256, report_view_latest


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, uid: str) -> HttpResponse:
    """The links of a build; a POST makes one and shows its address in its own answer, the only place it ever is."""
    user = viewer(request)
    build = selectors.build_for_sharer(user, uid)
    now = timezone.now()
    form = LinkForm(request.POST) if request.method == "POST" else LinkForm()
    created, error, status = None, "", 200
    if request.method == "POST":
        if form.is_valid():
            try:
                link, token = services.link_create(
                    build=build, user=user, label=form.cleaned_data["label"], expires_at=form.expires_at(now)
                )
            except services.SharingError as refusal:
                error, status = str(refusal), 409
            else:
                created = NewLink(services.link_url(token), link.label, link.expires_at)
                form = LinkForm()
        else:
            status = 422
    return _links(request, build, form=form, created=created, error=error, status=status)


def _links(
    request: HttpRequest,
    build: Build,
    *,
    form: LinkForm,
    created: NewLink | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    block = selectors.links_block(user=viewer(request), build=build, now=timezone.now(), created=created, error=error)
    template = "sharing/_links.html" if getattr(request, "htmx", False) else "sharing/links.html"
    # Inside of a template's own `{% block %}` the name `block` means that one.
    return render(request, template, {"links": block, "block": block, "form": form}, status=status)


@require_POST
def revoke(request: HttpRequest, uid: str, link_uid: str) -> HttpResponse:
    """Close a link at once."""
    build = selectors.build_for_sharer(viewer(request), uid)
    services.link_revoke(link=selectors.link_for_sharer(build, link_uid), now=timezone.now())
    if getattr(request, "htmx", False):
        return _links(request, build, form=LinkForm())
    return redirect("sharing:create", build.uid)


def opened(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let the view see the link that the token opens. Whatever does not open, or is not behind it, is one and the same 404.

    The answers are for nobody's index, cache or referrer; no session is looked at and no cookie set.
    """

    @login_not_required
    @require_safe
    @wraps(view)
    def wrapped(request: HttpRequest, token: str, **kwargs: str) -> HttpResponseBase:
        link = selectors.link_opened_by(token, now=timezone.now())
        try:
            if link is None:
                raise Http404
            response = view(request, link, token, **kwargs)
        except (Http404, BlobMissing):
            response = render(request, "sharing/closed.html", status=404)
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "private, no-store"
        return response

    return wrapped


def addresses_for_token(token: str) -> Addresses:
    return Addresses(
        report=reverse("sharing:report", args=[token]),
        file=lambda name: reverse("sharing:file", args=[token, name]),
        artifact=lambda sha256, name: reverse("sharing:artifact", args=[token, sha256, artifact_url_name(name)]),
    )


@opened
def page(request: HttpRequest, link: ShareLink, token: str) -> HttpResponseBase:
    """What a stranger sees: the headline, the chain, the source, the files, and what all of it does not prove."""
    build = link.build
    view = report_view_latest(build, addresses_for_token(token))
    if view is None:
        raise Http404
    if request.method == "GET":
        services.link_viewed(link=link, now=timezone.now())
    shown = SharePage(
        report=view,
        build_uid=build.uid,
        built_at=build.created_at,
        is_import=build.origin == Build.Origin.IMPORT,
        expires_at=link.expires_at,
    )
    return render(request, "sharing/page.html", {"page": shown})


@opened
def report(request: HttpRequest, link: ShareLink, token: str) -> HttpResponseBase:
    return report_response(link.build)


@opened
def raw_file(request: HttpRequest, link: ShareLink, token: str, name: str) -> HttpResponseBase:
    return download_response(raw_file_sha256(link.build, name), name, request=request)


@opened
def artifact(request: HttpRequest, link: ShareLink, token: str, sha256: str, name: str) -> HttpResponseBase:
    row = artifact_stored(link.build, sha256=sha256, name=name)
    return download_response(row.sha256_hex, row.name, request=request)
