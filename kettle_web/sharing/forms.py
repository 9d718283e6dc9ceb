"""The form of a new link, and the one that asks for a passphrase."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.models import Build
from kettle_web.sharing.parts import PART_TITLES, PARTS_DEFAULT, Part
from kettle_web.sharing.passphrase import MAX_LENGTH, MIN_LENGTH
from kettle_web.sharing.services import Wanted
from kettle_web.verifications.models import Artifact

FILES_OFFERED: Final = 100
"""A build may have a thousand files; a list of them is no choice any more."""
_FILE = re.compile(r"file:([0-9a-f]{64})")
CHOOSABLE: Final = tuple(part for part in Part if part is not Part.VERDICT)


class LinkForm(forms.Form):
    opens = forms.ChoiceField(label=_("What it opens"), required=False)
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
    parts = forms.MultipleChoiceField(
        label=_("What it shows besides the verdict"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(part.value, PART_TITLES[part]) for part in CHOOSABLE],
        initial=[part.value for part in PARTS_DEFAULT if part is not Part.VERDICT],
    )
    chosen = forms.BooleanField(required=False, initial=True, widget=forms.HiddenInput)
    """Sent with the boxes: none ticked is then a choice, and not a client that does not know of parts."""
    passphrase = forms.CharField(
        label=_("Passphrase"),
        required=False,
        strip=False,
        min_length=MIN_LENGTH,
        max_length=MAX_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Asked of whoever opens the link. Tell it to them by another way."),
    )

    def __init__(self, *args: Any, build: Build, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.build = build
        field = self.fields["opens"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(self._things())

    def _things(self) -> list[tuple[str, Any]]:
        things: list[tuple[str, Any]] = [("build", _("this build"))]
        if self.build.origin == Build.Origin.REPOSITORY:
            things.append(("latest", _("the latest build of this repository")))
            if self.build.repo_ref:
                things.append(("latest-ref", _("the latest build of this repository at %(ref)s") % {"ref": self.build.repo_ref}))
        files = Artifact.objects.filter(build=self.build)[:FILES_OFFERED]
        things += [(f"file:{row.sha256_hex}", _("only the file %(name)s") % {"name": row.name}) for row in files]
        return things

    def wanted(self, now: datetime) -> Wanted:
        """What was chosen, of a valid form."""
        data = self.cleaned_data
        opens = data["opens"] or "build"
        file = _FILE.fullmatch(opens)
        chosen = tuple(Part(value) for value in data["parts"]) if data["chosen"] or data["parts"] else PARTS_DEFAULT
        return Wanted(
            label=data["label"],
            expires_at=now + timedelta(days=data["days"]) if data["days"] else None,
            parts=(Part.VERDICT, *chosen),
            passphrase=data["passphrase"],
            artifact_sha256=file[1] if file else "",
            is_latest=opens.startswith("latest"),
            ref=self.build.repo_ref if opens == "latest-ref" else "",
        )


class PassphraseForm(forms.Form):
    passphrase = forms.CharField(
        label=_("Passphrase"),
        strip=False,
        max_length=MAX_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
