"""The public pages behind a link: the one for everybody, and the report for print."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page

from kettle_web.core.errors import BlobMissing
from kettle_web.sharing.access import closed, guarded, opened, opening_for
from kettle_web.sharing.compose import share_page
from kettle_web.sharing.forms import PassphraseForm
from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.passphrase import cookie_set, passphrase_try
from kettle_web.sharing.printed import qr_path
from kettle_web.sharing.selectors import Opening
from kettle_web.sharing.services import link_url
from kettle_web.sharing.shown import Shown, shown_by
from kettle_web.sharing.viewlog import Look, look_keep


@gzip_page
@csrf_exempt
@login_not_required
def page(request: HttpRequest, token: str) -> HttpResponseBase:
    """What a stranger sees: the headline, the chain, the source, the files, and what all of it does not prove.

    A link with a passphrase asks for it here; the form needs no token against forged requests: whoever forges one must know the
    passphrase, and gains nothing. All the same it is only taken from a page of this site.
    """
    opening = opening_for(request, token)
    return guarded(_answer(request, opening, token))


def _answer(request: HttpRequest, opening: Opening, token: str) -> HttpResponseBase:
    if request.method == "POST":
        return _passphrase_given(request, opening, token)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if opening.locked is not None:
        return _ask(request, PassphraseForm(), status=200)
    try:
        if opening.link is None:
            raise Http404
        return _page(request, shown_by(opening.link), token)
    except (Http404, BlobMissing):
        return closed(request, opening, token)


def _page(request: HttpRequest, shown: Shown, token: str) -> HttpResponse:
    if request.method == "GET":
        look(request, shown.link, Look.PAGE)
    return render(request, "sharing/page.html", {"page": share_page(shown, token)})


def look(request: HttpRequest, link: ShareLink, what: Look) -> None:
    """Write down one look; nothing that is a person's."""
    look_keep(link=link, what=what, user_agent=request.headers.get("User-Agent", ""), now=timezone.now())


def _passphrase_given(request: HttpRequest, opening: Opening, token: str) -> HttpResponseBase:
    if opening.link is not None and not opening.link.passphrase_hash:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    form = PassphraseForm(request.POST)
    given = form.cleaned_data["passphrase"] if form.is_valid() else ""
    link = opening.locked or opening.link
    # Looked at whatever the token opens, so that its cost says nothing.
    is_right = passphrase_try(link, given, now=timezone.now()) and _is_from_here(request)
    if link is None:
        return closed(request, opening, token)
    if not is_right:
        return _ask(request, form, status=403)
    response = redirect("sharing:page", token, permanent=False)
    response.status_code = 303
    cookie_set(response, link, path=reverse("sharing:page", args=[token]))
    return response


def _is_from_here(request: HttpRequest) -> bool:
    """Browsers say where a form was sent from. Under `no-referrer` the origin of our own pages is «null»."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin", "null")
    own = {"null", settings.PUBLIC_URL, f"{request.scheme}://{request.get_host()}"}
    return site in ("same-origin", "none") and (origin in own or urlsplit(origin).netloc == request.get_host())


def _ask(request: HttpRequest, form: PassphraseForm, *, status: int) -> HttpResponse:
    return render(request, "sharing/locked.html", {"form": form, "is_wrong": status != 200}, status=status)


@opened()
def printed(request: HttpRequest, shown: Shown, token: str) -> HttpResponseBase:
    """The report for paper: verdict, chain, source, files, policy and dates, and the link itself as a QR code."""
    if request.method == "GET":
        look(request, shown.link, Look.REPORT)
    url = link_url(token)
    return render(request, "sharing/printed.html", {"page": share_page(shown, token), "qr": qr_path(url), "link_url": url})
