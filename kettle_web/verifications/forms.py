"""The form of an import."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.forms import NonceForm
from kettle_web.verifications.imports import Bundle, LooseFile


class _ManyInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files, as a list."""

    widget = _ManyInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        single = super().clean
        return [single(item, initial) for item in data or () if item]


class ImportForm(NonceForm):
    """A tarball, or documents one by one. `upload` names a tarball that has come up in chunks."""

    bundle = forms.FileField(label=_("Result tarball (.tar.gz)"), required=False, allow_empty_file=True)
    upload = forms.CharField(required=False, max_length=26, widget=forms.HiddenInput)
    provenance = forms.FileField(label=_("provenance.json"), required=False, allow_empty_file=True)
    evidence = forms.FileField(label=_("evidence.json"), required=False, allow_empty_file=True)
    artifacts = ManyFilesField(label=_("Artifacts"), required=False, allow_empty_file=True)
    leave_artifacts_out = forms.BooleanField(
        label=_("Leave the artifacts out"),
        required=False,
        help_text=_("Judge the documents alone; no file is compared."),
    )
    nonce = forms.CharField(
        label=_("Nonce"),
        required=False,
        max_length=64,
        help_text=_("If you kept the one that was sent: 32 hexadecimal digits. The evidence must then carry it."),
    )
    label = forms.CharField(label=_("Label"), required=False, max_length=200)
    submission_key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def bundle_given(self) -> Bundle:
        """The files as the service takes them; the upload is looked up by the view."""
        data = self.cleaned_data
        return Bundle(
            tarball=_loose(data["bundle"]),
            provenance=_loose(data["provenance"]),
            evidence=_loose(data["evidence"]),
            artifacts=tuple(loose for item in data["artifacts"] if (loose := _loose(item))),
        )


def _loose(file: UploadedFile[Any] | None) -> LooseFile | None:
    if not file:
        return None
    return LooseFile(name=file.name or "file", file=file.open("rb"), size=file.size or 0)
