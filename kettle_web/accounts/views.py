"""Signing in and out, passwords, and the people page."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kettle_web.accounts import selectors, services
from kettle_web.accounts.access import administrator_required, viewer
from kettle_web.accounts.forms import PasswordForm, PersonAddForm, SignInForm
from kettle_web.accounts.fragments import OneTimePassword, PeoplePage
from kettle_web.accounts.middleware import SESSION_KEY
from kettle_web.accounts.throttle import TooManyTries, attempt_begin, attempt_succeeded


def _next_url(request: HttpRequest) -> str:
    """Where to go after signing in: within this site, or home."""
    url = request.POST.get("next") or request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return url
    return resolve_url("pages:home")


@login_not_required
@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password. What is wrong, and how long it takes to say so, is the same for every name."""
    if isinstance(request.user, User):
        return redirect(_next_url(request))
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                attempt = attempt_begin(name=form.cleaned_data["username"], address=request.META.get("REMOTE_ADDR", ""), now=timezone.now())
            except TooManyTries as error:
                status = 429
                form.add_error(None, _too_many(error.minutes))
            else:
                user = authenticate(request, **form.cleaned_data)
                if isinstance(user, User):
                    attempt_succeeded(attempt)
                    login(request, user)
                    request.session[SESSION_KEY] = selectors.must_change_password(user)
                    return redirect("accounts:password" if request.session[SESSION_KEY] else _next_url(request))
                form.add_error(None, _("Name and password do not belong together, or the account is disabled."))
    context = {"form": form, "next": request.POST.get("next") or request.GET.get("next", "")}
    return render(request, "accounts/sign_in.html", context, status=status)


def _too_many(minutes: int) -> str:
    return ngettext(
        "Too many failed tries. Try again in %(minutes)d minute.",
        "Too many failed tries. Try again in %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("accounts:sign-in")


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; forced after a one-time one."""
    user = viewer(request)
    is_forced = selectors.must_change_password(user)
    form = PasswordForm(request.POST or None, user=user, is_forced=is_forced)
    if request.method == "POST" and form.is_valid():
        services.password_change(user=user, password=form.cleaned_data["new_password1"])
        # Ends every other session of this person and gives this one a new key.
        update_session_auth_hash(request, user)
        request.session[SESSION_KEY] = False
        messages.success(request, _("Your password is changed. You are signed out everywhere else."))
        return redirect("pages:home")
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/password.html", {"form": form, "is_forced": is_forced}, status=status)


def _people_page(
    request: HttpRequest,
    *,
    form: PersonAddForm | None = None,
    one_time: OneTimePassword | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    page = PeoplePage(people=selectors.people_list(viewer=viewer(request)), one_time=one_time, error=error)
    return render(request, "accounts/people.html", {"page": page, "form": form or PersonAddForm()}, status=status)


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """List everyone; a POST adds one and shows their one-time password in its own answer, the only place it ever is."""
    if request.method != "POST":
        return _people_page(request)
    form = PersonAddForm(request.POST)
    if not form.is_valid():
        return _people_page(request, form=form, status=422)
    try:
        user, one_time = services.person_create(name=form.cleaned_data["name"], is_administrator=form.cleaned_data["is_administrator"])
    except services.AccountError as error:
        form.add_error("name", str(error))
        return _people_page(request, form=form, status=409)
    shown = OneTimePassword(name=user.get_username(), password=one_time, is_new_person=True)
    return _people_page(request, one_time=shown)


@administrator_required
@never_cache
@require_POST
def person(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Disable, enable, promote, demote someone, or reset their password."""
    actor = viewer(request)
    user = selectors.person_for_administrator(viewer=actor, pk=pk)
    try:
        match action:
            case "disable":
                services.person_disable(actor=actor, user=user)
            case "enable":
                services.person_enable(user=user)
            case "promote":
                services.person_promote(user=user)
            case "demote":
                services.person_demote(actor=actor, user=user)
            case "reset":
                one_time = services.person_password_reset(actor=actor, user=user)
                shown = OneTimePassword(name=user.get_username(), password=one_time, is_new_person=False)
                return _people_page(request, one_time=shown)
            case _:
                raise Http404
    except services.AccountError as error:
        return _people_page(request, error=str(error), status=409)
    return redirect("accounts:people")
