"""Who is asking, for views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def viewer(request: HttpRequest) -> User:
    """Give the person who is signed in. A view that is reached without one was marked public by mistake."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def administrator_required(view: View[P]) -> View[P]:
    """For others the page does not exist."""

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not viewer(request).is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    return wrapped
