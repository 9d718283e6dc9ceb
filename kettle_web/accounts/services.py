"""Rules for people: one-time passwords, administrators, and that nobody locks the last one out."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kettle_web.accounts.models import Profile
from kettle_web.core.ids import ALPHABET

ONE_TIME_GROUPS = 4
ONE_TIME_GROUP_LENGTH = 5
"""Twenty characters of 32: 100 bits."""


class AccountError(Exception):
    """What was asked for may not be done. `code` is stable; the message is a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def one_time_password_new() -> str:
    """Give a fresh password in groups, easy to read aloud. It is shown once and stored only as Django's hash."""
    return "-".join("".join(secrets.choice(ALPHABET) for _letter in range(ONE_TIME_GROUP_LENGTH)) for _group in range(ONE_TIME_GROUPS))


def _one_time_password_set(user: User) -> str:
    password = one_time_password_new()
    user.set_password(password)
    user.save(update_fields=["password"])
    Profile.objects.update_or_create(user=user, defaults={"must_change_password": True})
    return password


@transaction.atomic
def person_create(*, name: str, is_administrator: bool) -> tuple[User, str]:
    """Give the new user and the one-time password. Raises `AccountError` for a name that is taken."""
    if User.objects.filter(username__iexact=name).exists():
        raise AccountError("name-taken", _("There is already someone with that name."))
    try:
        with transaction.atomic():
            user = User.objects.create(username=name, is_staff=is_administrator)
    except IntegrityError as error:
        raise AccountError("name-taken", _("There is already someone with that name.")) from error
    return user, _one_time_password_set(user)


@transaction.atomic
def admin_ensure(*, name: str = "admin") -> tuple[User, str] | None:
    """Make the first administrator; None when there has ever been one. Safe to run at every start."""
    if User.objects.filter(is_staff=True).exists():
        return None
    taken = set(User.objects.filter(username__istartswith=name).values_list("username", flat=True))
    free = next(candidate for candidate in (name, *(f"{name}-{n}" for n in range(2, 1000))) if candidate not in taken)
    user = User.objects.create(username=free, is_staff=True)
    return user, _one_time_password_set(user)


def _administrators_lock() -> set[int]:
    """Give the keys of all who can administer, locked: two of them cannot put each other out at the same moment."""
    rows = User.objects.select_for_update().filter(is_staff=True, is_active=True).order_by("pk")
    return {user.pk for user in rows}


def _may_lose(*, actor: User, user: User) -> None:
    administrators = _administrators_lock()
    if actor.pk not in administrators:
        raise AccountError("not-administrator", _("Only an administrator can do this."))
    if user.pk == actor.pk:
        raise AccountError("oneself", _("You cannot shut yourself out: ask another administrator."))
    if administrators <= {user.pk}:
        raise AccountError("last-administrator", _("This is the last administrator: promote someone else first."))


@transaction.atomic
def person_disable(*, actor: User, user: User) -> None:
    """Shut someone out at once: their sessions end with their next request. What they built stays."""
    _may_lose(actor=actor, user=user)
    User.objects.filter(pk=user.pk).update(is_active=False)


def person_enable(*, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=True)


def person_promote(*, user: User) -> None:
    """Make someone an administrator."""
    User.objects.filter(pk=user.pk).update(is_staff=True)


@transaction.atomic
def person_demote(*, actor: User, user: User) -> None:
    _may_lose(actor=actor, user=user)
    User.objects.filter(pk=user.pk).update(is_staff=False, is_superuser=False)


@transaction.atomic
def person_password_reset(*, actor: User, user: User) -> str:
    """Give a new one-time password; whoever is signed in with the old one is signed out."""
    if user.pk == actor.pk:
        raise AccountError("oneself", _("Change your own password on its own page."))
    return _one_time_password_set(user)


@transaction.atomic
def password_change(*, user: User, password: str) -> None:
    """Store a password that the person chose."""
    user.set_password(password)
    user.save(update_fields=["password"])
    Profile.objects.update_or_create(user=user, defaults={"must_change_password": False})
