"""The forms of the allow-list."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from kettle_web.verification.policy import FAMILIES, REGISTER_COUNTS, REGISTERS
from kettle_web.verification.policy_json import MAX_TEXT, POLICY_LIMIT
from kettle_web.verifications.policy.fragments import FromBuild
from kettle_web.verifications.policy.models import AllowListEntry
from kettle_web.verifications.policy.services import EntryValues, azure_reason
from kettle_web.verifications.policy.words import COMPONENT_TITLES, FAMILY_TITLES

_CODE: Final = {"class": "code-input", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
_REGISTER_LINE: Final = re.compile(r"\s*(?:PCR|RTMR)?\s*(\d{1,2})\s*[:= ]\s*(?:0x)?([0-9a-f]+)\s*", re.IGNORECASE)
_DIGITS: Final = {"measurement": 96, "pcrs": 64, "rtmrs": 96}


class _MomentInput(forms.DateTimeInput):
    """The browser's own field for a day and a time."""

    def __init__(self) -> None:
        super().__init__(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class EntryForm(forms.Form):
    """What an entry says, whatever its values come from."""

    name = forms.CharField(
        label=_("Name of the image"), max_length=100, help_text=_("As headlines give it: «built from … by this name, pinned by you».")
    )
    kettle_release = forms.CharField(
        label=_("Kettle release"), max_length=100, help_text=_("The release that runs in it: 0.9.1, or a commit.")
    )
    isolates_build = forms.ChoiceField(
        label=_("Does the image isolate the build from the attester?"),
        choices=AllowListEntry.Isolation.choices,
        initial=AllowListEntry.Isolation.UNKNOWN,
        help_text=_("Without that, the code that is built runs beside the program that attests, and could drive it. Each report says so."),
    )
    reason = forms.CharField(
        label=_("Why do you recognise it?"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Everybody who reads a report that rests on this entry can read it."),
    )  # fmt: skip
    derivation = forms.CharField(
        label=_("How were the values derived?"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "So that another can do it again: the image's sources, the tool and its version, the command. "
            "«Taken from a build» alone is trust on first use: then say so."
        ),
    )  # fmt: skip
    in_force_from = forms.DateTimeField(
        label=_("From"), required=False, widget=_MomentInput(),
        help_text=_("UTC; empty: at once. The verdict «as of the build» counts it only for builds made after this."),
    )  # fmt: skip
    in_force_until = forms.DateTimeField(
        label=_("Until"), required=False, help_text=_("UTC; empty: until someone ends it."), widget=_MomentInput(),
    )  # fmt: skip

    def __init__(self, *args: Any, reported: dict[str, int] | None = None, **kwargs: Any) -> None:
        """`reported`: a machine's own firmware level, by the components that it has; None: not of one machine."""
        super().__init__(*args, **kwargs)
        self.component_names = tuple(name for name in COMPONENT_TITLES if reported is None or name in reported)
        for component in self.component_names:
            self.fields[f"tcb_{component}"] = forms.IntegerField(
                label=COMPONENT_TITLES[component],
                required=False,
                min_value=0,
                max_value=255,
                widget=forms.NumberInput(attrs={"inputmode": "numeric", "placeholder": (reported or {}).get(component, "")}),
            )

    @property
    def components(self) -> list[forms.BoundField]:
        """The fields of the minimum firmware level."""
        return [self[f"tcb_{name}"] for name in self.component_names]

    def common(self) -> dict[str, Any]:
        data = self.cleaned_data
        levels = {name: data.get(f"tcb_{name}") for name in self.component_names}
        names = ("name", "kettle_release", "isolates_build", "reason", "derivation", "in_force_from", "in_force_until")
        return {name: data[name] for name in names} | {"minimum_tcb": {name: level for name, level in levels.items() if level is not None}}


class FromBuildForm(EntryForm):
    """An entry with a build's values: of its registers those that are chosen."""

    def __init__(self, *args: Any, source: FromBuild, **kwargs: Any) -> None:
        super().__init__(*args, reported=dict(source.reported_tcb), **kwargs)
        self.source = source
        self.fields["registers"] = forms.MultipleChoiceField(
            choices=[(f"{row.kind}-{row.index}", row.title) for row in source.registers], required=False
        )

    def clean_registers(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["registers"]
        if self.source.family.startswith("az-") and not any(name.startswith("pcrs-") for name in chosen):
            raise forms.ValidationError(azure_reason(), code="azure-without-pcrs")
        return chosen

    def values(self) -> EntryValues:
        chosen = set(self.cleaned_data["registers"])
        rows = [row for row in self.source.registers if f"{row.kind}-{row.index}" in chosen]
        return EntryValues(
            platform=self.source.family,
            measurement=self.source.measurement,
            pcrs={str(row.index): row.value for row in rows if row.kind == "pcrs"},
            rtmrs={str(row.index): row.value for row in rows if row.kind == "rtmrs"},
            **self.common(),
        )


class FromValuesForm(EntryForm):
    """An entry whose values were derived elsewhere."""

    platform = forms.ChoiceField(label=_("Platform"), choices=[(name, FAMILY_TITLES[name]) for name in FAMILIES])
    measurement = forms.CharField(
        label=_("Launch measurement, or MRTD"),
        max_length=200,
        widget=forms.TextInput(attrs=_CODE),
        help_text=_("48 bytes: 96 hexadecimal digits."),
    )
    pcrs = forms.CharField(
        label=_("PCRs"), required=False, max_length=8000, widget=forms.Textarea(attrs=_CODE | {"rows": 3, "placeholder": "4: 3d45…"}),
        help_text=_("On Azure; one a line: index, colon, 64 hexadecimal digits."),
    )  # fmt: skip
    rtmrs = forms.CharField(
        label=_("RTMRs"), required=False, max_length=2000, widget=forms.Textarea(attrs=_CODE | {"rows": 2, "placeholder": "1: 9f02…"}),
        help_text=_("For Intel TDX; one a line: index, colon, 96 hexadecimal digits."),
    )  # fmt: skip

    def clean_measurement(self) -> str:
        text = _hex_normal(self.cleaned_data["measurement"])
        if not re.fullmatch(rf"[0-9a-f]{{{_DIGITS['measurement']}}}", text):
            raise forms.ValidationError(_("This is not a measurement: it has 96 hexadecimal digits."), code="measurement")
        return text

    def clean_pcrs(self) -> dict[str, str]:
        return _registers_read(self.cleaned_data["pcrs"], "pcrs")

    def clean_rtmrs(self) -> dict[str, str]:
        return _registers_read(self.cleaned_data["rtmrs"], "rtmrs")

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        platform = data.get("platform", "")
        if platform.startswith("az-") and data.get("pcrs") == {}:
            self.add_error("pcrs", forms.ValidationError(azure_reason(), code="azure-without-pcrs"))
        for kind in REGISTER_COUNTS:
            if data.get(kind) and kind not in REGISTERS.get(platform, ()):
                self.add_error(kind, forms.ValidationError(_("This platform does not attest such registers."), code="registers"))
        if platform.endswith("tdx") and any(data.get(f"tcb_{name}") is not None for name in self.component_names):
            self.add_error(
                "tcb_bootloader", forms.ValidationError(_("Firmware levels can be demanded of AMD's processors only."), code="firmware")
            )
        return data

    def values(self) -> EntryValues:
        data = self.cleaned_data
        named = {name: data[name] for name in ("platform", "measurement", "pcrs", "rtmrs")}
        return EntryValues(**named, **self.common())


class ImportForm(forms.Form):
    """A policy file, or its text: the preview carries the text along."""

    file = forms.FileField(label=_("Policy file (.json)"), required=False, allow_empty_file=True)
    text = forms.CharField(
        label=_("Or its text"), required=False, max_length=POLICY_LIMIT, strip=False, widget=forms.Textarea(attrs=_CODE | {"rows": 6})
    )

    def clean_file(self) -> str:
        file = self.cleaned_data["file"]
        if not file:
            return ""
        data: bytes = file.read(POLICY_LIMIT + 1)
        if len(data) > POLICY_LIMIT:
            raise forms.ValidationError(_("A policy file has at most 1 MiB."), code="too-large")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("This is not a text in UTF-8."), code="not-text") from error

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        data["document"] = data.get("file") or data.get("text") or ""
        if not data["document"].strip() and not self.errors:
            raise forms.ValidationError(_("Choose a file, or paste its text."), code="empty")
        return data


class EndForm(forms.Form):
    reason = forms.CharField(label=_("Why does it end?"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2}))


def _hex_normal(text: str) -> str:
    """Digits as the policy has them: people paste them with spaces, colons, a prefix, in capitals."""
    return re.sub(r"[\s:]", "", text).lower().removeprefix("0x")


def _registers_read(text: str, kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _REGISTER_LINE.fullmatch(line)
        index, value = (str(int(match[1])), match[2].lower()) if match else ("", "")
        if not match or int(index) >= REGISTER_COUNTS[kind] or len(value) != _DIGITS[kind]:
            raise forms.ValidationError(
                _("Line %(number)d is not an index, a colon and %(digits)d hexadecimal digits."),
                code="registers", params={"number": number, "digits": _DIGITS[kind]},
            )  # fmt: skip
        if index in found:
            raise forms.ValidationError(_("Index %(index)s is there twice."), code="doubled", params={"index": index})
        found[index] = value
    return found
