"""Holds whoever signed in with a one-time password until they have chosen one of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from kettle_web.accounts.selectors import must_change_password

SESSION_KEY = "must_change_password"
"""Kept in the session, so that it is looked up once a session; a reset password ends the session anyway."""

EXEMPT = frozenset({"accounts:language", "accounts:password", "accounts:sign-out"})


class OneTimePasswordMiddleware(MiddlewareMixin):
    """Nothing that needs a session works until the password is changed, except changing it and signing out."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True) or not isinstance(request.user, User):
            return None
        match = request.resolver_match
        if match is not None and match.view_name in EXEMPT:
            return None
        must_change = request.session.get(SESSION_KEY)
        if must_change is None:
            must_change = must_change_password(request.user)
            request.session[SESSION_KEY] = must_change
        if not must_change:
            return None
        if getattr(request, "htmx", False):
            return HttpResponseClientRedirect(reverse("accounts:password"))
        if request.method not in ("GET", "HEAD"):
            return HttpResponseForbidden(_("Change your one-time password first."), content_type="text/plain; charset=utf-8")
        response: HttpResponse = redirect("accounts:password")
        return response
