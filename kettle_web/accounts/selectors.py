"""Reads about people."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import Http404

from kettle_web.accounts.fragments import PersonRow
from kettle_web.accounts.models import Profile

MAX_PEOPLE = 1000


def must_change_password(user: User) -> bool:
    return Profile.objects.filter(user=user, must_change_password=True).exists()


def people_list(*, viewer: User) -> tuple[PersonRow, ...]:
    """Everyone, administrators first, then by name; at most `MAX_PEOPLE`."""
    users = User.objects.select_related("profile").order_by("-is_staff", "username")[:MAX_PEOPLE]
    return tuple(
        PersonRow(
            pk=user.pk,
            name=user.get_username(),
            is_self=user.pk == viewer.pk,
            is_administrator=user.is_staff,
            is_enabled=user.is_active,
            has_one_time_password=hasattr(user, "profile") and user.profile.must_change_password,
            last_sign_in=user.last_login,
            joined=user.date_joined,
        )
        for user in users
    )


def person_for_administrator(*, viewer: User, pk: int) -> User:
    """Raises `Http404` for anyone but administrators, and for people who do not exist."""
    user = User.objects.filter(pk=pk).first() if viewer.is_staff else None
    if user is None:
        raise Http404
    return user
