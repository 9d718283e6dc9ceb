"""The form of a new link."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.utils.translation import gettext_lazy as _


class LinkForm(forms.Form):
    label = forms.CharField(label=_("For whom"), required=False, max_length=200, help_text=_("Only you and administrators see it."))
    days = forms.TypedChoiceField(
        label=_("Expires"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("", _("never")),
            ("1", _("in a day")),
            ("7", _("in a week")),
            ("30", _("in 30 days")),
            ("90", _("in 90 days")),
            ("365", _("in a year")),
        ],
    )

    def expires_at(self, now: datetime) -> datetime | None:
        days = self.cleaned_data["days"]
        return now + timedelta(days=days) if days else None
