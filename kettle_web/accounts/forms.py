"""Forms about people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_PASSWORD = 4096
"""Characters. Hashing is slow on purpose; nobody makes it slower by sending megabytes."""


class SignInForm(forms.Form):
    username = forms.CharField(
        label=_("Name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PasswordForm(forms.Form):
    """Changing one's own password. Whoever signed in with a one-time password just typed it and is not asked again."""

    old_password = forms.CharField(
        label=_("Present password"),
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password1 = forms.CharField(
        label=_("New password"),
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    new_password2 = forms.CharField(
        label=_("New password again"),
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, is_forced: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if is_forced:
            del self.fields["old_password"]

    def clean_old_password(self) -> str:
        text = str(self.cleaned_data["old_password"])
        if not self.user.check_password(text):
            raise ValidationError(_("This is not your present password."), code="old-password")
        return text

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        first, second = data.get("new_password1"), data.get("new_password2")
        if first and second:
            if first != second:
                self.add_error("new_password2", SetPasswordForm.error_messages["password_mismatch"])
            elif self.user.check_password(first):
                self.add_error("new_password1", _("Choose a password that is not the present one."))
            else:
                try:
                    validate_password(first, self.user)
                except ValidationError as error:
                    self.add_error("new_password1", error)
        return data


class PersonAddForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    is_administrator = forms.BooleanField(label=_("Administrator"), required=False)
