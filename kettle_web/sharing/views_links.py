"""Links as those see them who may share: made, looked at before, listed, revoked."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.models import Build
from kettle_web.sharing import selectors, services
from kettle_web.sharing.badge import snippets
from kettle_web.sharing.compose import preview_page
from kettle_web.sharing.forms import LinkForm
from kettle_web.sharing.fragments import LinkPage, LookRow, NewLink
from kettle_web.sharing.latest import build_latest
from kettle_web.sharing.models import ShareLink, ShareView
from kettle_web.sharing.shown import shown_by
from kettle_web.sharing.viewlog import CLIENT_WORDS, KEPT, LOOK_WORDS

LINKS_ON_PAGE = 50
LOOKS_SHOWN = 100


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, uid: str) -> HttpResponse:
    """The links of a build; a POST makes one and shows its address in its own answer, the only place it ever is."""
    user = viewer(request)
    build = selectors.build_for_sharer(user, uid)
    if request.method != "POST":
        return _links(request, build, form=LinkForm(build=build))
    form = LinkForm(request.POST, build=build)
    if not form.is_valid():
        return _links(request, build, form=form, status=422)
    try:
        link, token = services.link_create(build=build, user=user, wanted=form.wanted(timezone.now()))
    except services.SharingError as refusal:
        return _links(request, build, form=form, error=str(refusal), status=409)
    return _links(request, build, form=LinkForm(build=build), created=_new_link(link, token))


def _new_link(link: ShareLink, token: str) -> NewLink:
    url = services.link_url(token)
    pasted = snippets(page_url=url, badge_url=f"{url}badge.svg")
    return NewLink(url, link.label, link.expires_at, has_passphrase=bool(link.passphrase_hash), **pasted)


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


@never_cache
@require_POST
def preview(request: HttpRequest, uid: str) -> HttpResponse:
    """What strangers would see of a link with these choices. Nothing is made. Posted, because the form may hold a passphrase."""
    user = viewer(request)
    build = selectors.build_for_sharer(user, uid)
    form = LinkForm(request.POST, build=build)
    if not form.is_valid():
        return _links(request, build, form=form, status=422)
    try:
        link = services.link_draft(build=build, user=user, wanted=form.wanted(timezone.now()))
    except services.SharingError as refusal:
        return _links(request, build, form=form, error=str(refusal), status=409)
    if link.scope == ShareLink.Scope.LATEST:
        link.build = build_latest(repository=link.repository, ref=link.ref, sharer=user)
    return render(request, "sharing/page.html", {"page": preview_page(shown_by(link))})


@require_POST
def revoke(request: HttpRequest, uid: str, link_uid: str) -> HttpResponse:
    """Close a link at once, from its build's page."""
    build = selectors.build_for_sharer(viewer(request), uid)
    services.link_revoke(link=selectors.link_for_sharer(build, link_uid), now=timezone.now())
    if getattr(request, "htmx", False):
        return _links(request, build, form=LinkForm(build=build))
    return redirect("sharing:create", build.uid)


@never_cache
@require_safe
def links(request: HttpRequest) -> HttpResponse:
    """Every link of a person, with what each opens."""
    rows = selectors.links_for_person(viewer(request))
    pages = Paginator(rows, LINKS_ON_PAGE)
    page = pages.get_page(request.GET.get("page"))
    now = timezone.now()
    shown = tuple(selectors.link_row(link, now) for link in page.object_list)
    return render(request, "sharing/all.html", {"links": shown, "pages": page, "warning": selectors.public_url_warning()})


@never_cache
@require_safe
def link(request: HttpRequest, link_uid: str) -> HttpResponse:
    """One link: what it opens and when it was looked through."""
    found = selectors.link_for_person(viewer(request), link_uid)
    views = ShareView.objects.filter(link=found)[:LOOKS_SHOWN]
    looks = tuple(LookRow(row.at, str(LOOK_WORDS.get(row.what, row.what)), str(CLIENT_WORDS.get(row.client, row.client))) for row in views)
    row = selectors.link_row(found, timezone.now())
    page = LinkPage(link=row, looks=looks, is_latest=found.scope == ShareLink.Scope.LATEST)
    return render(request, "sharing/link.html", {"page": page, "kept_days": KEPT.days})


@require_POST
def link_revoke(request: HttpRequest, link_uid: str) -> HttpResponse:
    """Close a link at once, from its own page."""
    found = selectors.link_for_person(viewer(request), link_uid)
    services.link_revoke(link=found, now=timezone.now())
    messages.success(request, _("The link opens nothing any more."))
    return redirect(reverse("sharing:link", args=[found.uid]))
