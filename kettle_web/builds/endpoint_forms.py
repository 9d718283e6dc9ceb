"""Forms about servers and pools: shapes only; what an address may be is decided by `endpoint_admin`."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.models import Endpoint

URL_ATTRIBUTES = {"inputmode": "url", "spellcheck": "false", "autocapitalize": "none", "placeholder": "https://"}
READER = _("Who may be able to read the source. Shown before each submission.")
TOKEN_ATTRIBUTES = {"autocomplete": "off", "spellcheck": "false"}


class TokenForm(forms.Form):
    token = forms.CharField(
        label=_("Token"),
        max_length=4000,
        required=False,
        help_text=_("Sent with every request, to this address only, and over HTTPS only. It is stored encrypted and never shown again."),
        widget=forms.PasswordInput(attrs=TOKEN_ATTRIBUTES),
    )


class EndpointForm(forms.Form):
    """A server that is changed; its token has a form of its own."""

    name = forms.CharField(label=_("Name"), max_length=100)
    base_url = forms.CharField(label=_("Address"), max_length=500, widget=forms.TextInput(attrs=URL_ATTRIBUTES))
    kind = forms.ChoiceField(label=_("Kind"), choices=Endpoint.Kind.choices)
    dialect = forms.ChoiceField(
        label=_("Dialect"),
        choices=Endpoint.Dialect.choices,
        help_text=_("Multipart servers report no progress and take no nonce: nothing can be bound to a request there."),
    )
    attests = forms.BooleanField(label=_("It attests: a result without evidence counts as failed"), required=False, initial=True)
    operator = forms.CharField(
        label=_("Operator"),
        max_length=200,
        required=False,
        help_text=READER,
    )
    max_running = forms.IntegerField(
        label=_("Builds at a time"),
        min_value=0,
        max_value=100_000,
        required=False,
        help_text=_("0: any number; empty: the default."),
    )


class EndpointAddForm(EndpointForm, TokenForm):
    pass


class PoolForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    operator = forms.CharField(
        label=_("Operator"),
        max_length=200,
        required=False,
        help_text=READER,
    )
    dialect = forms.ChoiceField(label=_("Dialect"), choices=Endpoint.Dialect.choices)
    attests = forms.BooleanField(label=_("Its machines attest: a result without evidence counts as failed"), required=False, initial=True)
    is_provisioned = forms.BooleanField(label=_("Have machines supplied and destroyed by the program of the environment"), required=False)
    min_ready = forms.IntegerField(
        label=_("Machines at hand"), min_value=0, max_value=1000, initial=0, help_text=_("Kept ready beyond what waits for one.")
    )
    max_machines = forms.IntegerField(
        label=_("Machines at most"),
        min_value=1,
        max_value=1000,
        initial=4,
        help_text=_("At once; spent ones count until destroyed."),
    )


class MachineForm(TokenForm):
    name = forms.CharField(label=_("Name"), max_length=100)
    base_url = forms.CharField(label=_("Address"), max_length=500, widget=forms.TextInput(attrs=URL_ATTRIBUTES))
    field_order = ("name", "base_url", "token")


class LimitsForm(forms.Form):
    per_user = forms.IntegerField(
        label=_("Builds of one person at a time"),
        min_value=0,
        max_value=100_000,
        required=False,
        help_text=_("0: any number. Empty: as the environment says (BUILDS_PER_USER)."),
    )
