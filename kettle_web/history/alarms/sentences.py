"""Each alarm as a whole sentence, in the reader's language. Values are hostile: made visible here, escaped by templates."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kettle_web.core.templatetags.kettle import verdict_word
from kettle_web.core.visible import visible
from kettle_web.history.models import Alarm

_SENTENCES: Final[dict[str, str | Promise]] = {
    Alarm.Kind.ATTESTATION_LOST: _(
        "The build before came with evidence of where it was built, this one has none: «%(before)s» became «%(after)s»."
    ),
    Alarm.Kind.VERDICT_WORSE: _("The verdict was «%(before)s» for the build before, and is «%(after)s» for this one."),
    Alarm.Kind.VERDICT_CHANGED: _("Judged again, the verdict is «%(after)s»; the report before says «%(before)s»."),
    Alarm.Kind.MEASUREMENT_CHANGED: _("The builder image measures %(after)s; for the build before it measured %(before)s."),
    Alarm.Kind.TOOLCHAIN_CHANGED: _("%(subject)s is %(after)s; for the build before it was %(before)s."),
    Alarm.Kind.DIGEST_CHANGED: _("%(subject)s has the digest %(after)s; in the build before, the same version had %(before)s."),
    Alarm.Kind.SOURCE_MOVED: _("The provenance names %(after)s as the source; that of the build before names %(before)s."),
}
_TOOL_NEW: Final = _("%(subject)s, %(after)s, was not used for the build before.")
_TOOL_GONE: Final = _("%(subject)s is not used any more; for the build before it was %(before)s.")
_VERDICTS: Final = frozenset({Alarm.Kind.ATTESTATION_LOST, Alarm.Kind.VERDICT_WORSE, Alarm.Kind.VERDICT_CHANGED})


def alarm_sentence(alarm: Alarm) -> str:
    """What happened, with both values."""
    kind = Alarm.Kind(alarm.kind)
    sentence = _SENTENCES[kind]
    if kind == Alarm.Kind.TOOLCHAIN_CHANGED and not (alarm.before and alarm.after):
        sentence = _TOOL_NEW if alarm.after else _TOOL_GONE
    word = verdict_word if kind in _VERDICTS else visible
    return str(sentence) % {"subject": visible(alarm.subject), "before": word(alarm.before), "after": word(alarm.after)}
