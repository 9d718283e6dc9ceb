"""The words for verdicts, outcomes and links, in the page's language."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext, gettext_lazy

from kettle_web.core.said import is_english, said
from kettle_web.core.templatetags.kettle import VERDICT_WORDS
from kettle_web.verification import sentences
from kettle_web.verification.report import Link, Outcome, Sentence

HEADLINE_TAILS: Final = (
    sentences.NO_FILES_CHECKED,
    sentences.NEITHER_CHECKED,
    sentences.REVOCATION_UNCHECKED,
    sentences.FIRMWARE_UNCHECKED,
    sentences.FIRMWARE_STATUS,
)
OUTCOME_WORDS: Final = {
    Outcome.PASS: gettext_lazy("passes"),
    Outcome.FAIL: gettext_lazy("fails"),
    Outcome.SKIPPED: gettext_lazy("not checked"),
    Outcome.ERROR: gettext_lazy("could not be checked"),
}
LINK_TITLES: Final = {
    Link.DOCUMENTS: gettext_lazy("Documents"),
    Link.VENDOR_ROOT: gettext_lazy("Vendor root"),
    Link.INTERMEDIATE: gettext_lazy("Intermediate key"),
    Link.CHIP_KEY: gettext_lazy("Chip key"),
    Link.REPORT: gettext_lazy("Hardware report"),
    Link.VTPM_QUOTE: gettext_lazy("vTPM quote"),
    Link.SIGNED_DATA: gettext_lazy("Signed data"),
    Link.BUILDER_IMAGE: gettext_lazy("Builder image"),
    Link.PROVENANCE: gettext_lazy("Provenance"),
    Link.REQUEST: gettext_lazy("Request"),
    Link.INPUTS: gettext_lazy("Inputs"),
    Link.ARTIFACTS: gettext_lazy("Artifacts"),
}


def translated(text: str) -> str:
    """Give a text of the verifier in the page's language."""
    return said(text)


def sentence(value: Sentence) -> str:
    """Give a sentence in the page's language; a headline's tails are sentences of their own, and so are some values."""
    try:
        params = value.params if is_english() else {name: _param(name, given) for name, given in value.params.items()}
        return " ".join(translated(part) for part in sentence_parts(value.template)).format(**params)
    except (KeyError, IndexError, ValueError):
        return value.template


def _param(name: str, given: str | int) -> str | int:
    if name in ("check", "source") and isinstance(given, str):
        given = translated(given)
    if name in ("source", "commit") and isinstance(given, str):
        for ending, word in ((" (claimed)", gettext("claimed")), (" (unchecked)", gettext("not checked"))):
            if given.endswith(ending):
                return f"{given.removesuffix(ending)} ({word})"
    return _reason(given) if name == "reason" and isinstance(given, str) else given


def _reason(given: str) -> str:
    """A reason inside a sentence, which the verifier had begun with a small letter and robbed of its period."""
    for text in (given, given[:1].upper() + given[1:], f"{given}.", f"{given[:1].upper()}{given[1:]}."):
        if (found := translated(text)) != text:
            return found.removesuffix(".")
    return given


def sentence_parts(template: str) -> tuple[str, ...]:
    """Take a headline's template apart into the sentences that the verifier put together: each is translated by itself."""
    tails: list[str] = []
    while tail := next((text for text in HEADLINE_TAILS if template.endswith(text)), ""):
        template = template.removesuffix(tail)
        tails.insert(0, tail.strip())
    return (template, *tails) if template else tuple(tails)


def verdict_word(verdict: str) -> str:
    return str(VERDICT_WORDS.get(verdict, ""))
