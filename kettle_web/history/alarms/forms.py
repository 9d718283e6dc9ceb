"""Where messages about alarms go, and the name of a feed's address."""

from django import forms
from django.utils.translation import gettext_lazy as _


class MailForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        help_text=_("Messages name builds and what changed. Leave it empty to get none."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    wants_all = forms.BooleanField(label=_("Tell me of every alarm about builds that I may see"), required=False)


class FeedForm(forms.Form):
    label = forms.CharField(
        label=_("For which reader"), required=False, max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
