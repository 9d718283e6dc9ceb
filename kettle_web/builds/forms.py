"""The forms of a submission: shapes of fields only; what a value means is decided by services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.errors import BuildError
from kettle_web.builds.services import nonce_parse
from kettle_web.builds.targets import Target, target_find


class NonceForm(forms.Form):
    """A form with a field `nonce` of text: it gives 16 bytes, or None where it was left empty."""

    def clean_nonce(self) -> bytes | None:
        text = str(self.cleaned_data["nonce"]).strip()
        if not text:
            return None
        try:
            return nonce_parse(text)
        except BuildError as error:
            raise ValidationError(error.message, code=error.code) from error


class SubmissionForm(NonceForm):
    """What both ways have in common."""

    label = forms.CharField(
        label=_("Label"), max_length=200, required=False, help_text=_("A name for yourself; it is not sent to the server.")
    )
    endpoint = forms.CharField(label=_("Kettle server"), max_length=40, required=False)
    """Value of a `targets.Target`; empty: the default."""
    nonce = forms.CharField(
        label=_("Nonce"),
        max_length=100,
        required=False,
        help_text=_("16 random bytes as 32 hexadecimal digits. The evidence is bound to them, so that an old one cannot pass for yours."),
        widget=forms.TextInput(attrs={"data-nonce-field": True, "autocomplete": "off", "spellcheck": "false"}),
    )
    submission_key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def clean_endpoint(self) -> Target:
        value = self.cleaned_data["endpoint"]
        target = target_find(value)
        if target is None and value:
            raise ValidationError(_("This Kettle server takes no builds any more. Choose another one."), code="endpoint-gone")
        if target is None:
            raise ValidationError(_("This site knows no Kettle server. Its operator has to configure one."), code="endpoint-none")
        return target


class RepositoryForm(SubmissionForm):
    repo_url = forms.CharField(
        label=_("Repository"),
        max_length=2000,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "url", "spellcheck": "false", "autocapitalize": "none"}),
    )
    repo_ref = forms.CharField(
        label=_("Branch, tag or commit"),
        max_length=255,
        required=False,
        strip=False,
        help_text=_("Empty: the repository's default branch."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )


class UploadForm(SubmissionForm):
    """`upload` names an upload that went up in chunks; `archive` is the file itself, without JavaScript."""

    upload = forms.CharField(max_length=26, required=False, widget=forms.HiddenInput(attrs={"data-upload-uid": True}))
    archive = forms.FileField(
        label=_("Archive"),
        required=False,
        allow_empty_file=True,
        max_length=255,
        widget=forms.FileInput(attrs={"data-upload-file": True, "accept": ".zip,.tar.gz,.tgz,application/zip,application/gzip"}),
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not values.get("upload") and not values.get("archive") and "archive" not in self.errors:
            raise ValidationError(_("Choose a ZIP or tar.gz archive."), code="archive-none")
        return values


class UploadCreateForm(forms.Form):
    name = forms.CharField(max_length=1000, required=False)
    size = forms.IntegerField(min_value=0, max_value=2**62)
