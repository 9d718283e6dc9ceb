"""Filters and tags of the house; built in for every template.

What is a verdict, a state or an outcome has one word and one shape, and they are decided here for every page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kettle_web.core import formats
from kettle_web.core.said import said as make_said
from kettle_web.core.said import said_parts as make_said_parts
from kettle_web.core.visible import visible as make_visible

register = template.Library()

VERDICT_WORDS: Final = {
    "confirmed": gettext_lazy("Confirmed"),
    "unpinned": gettext_lazy("Hardware-signed, builder not recognised"),
    "incomplete": gettext_lazy("Not established"),
    "unattested": gettext_lazy("Built, not attested"),
    "simulated": gettext_lazy("Simulated"),
    "failed": gettext_lazy("Failed"),
}
OUTCOME_WORDS: Final = {
    "pass": gettext_lazy("passes"),
    "fail": gettext_lazy("fails"),
    "skipped": gettext_lazy("not checked"),
    "error": gettext_lazy("could not be checked"),
}
STATE_WORDS: Final = {
    "queued": gettext_lazy("Queued"),
    "submitting": gettext_lazy("Submitting"),
    "building": gettext_lazy("Building"),
    "fetching": gettext_lazy("Fetching the result"),
    "verifying": gettext_lazy("Verifying"),
    "done": gettext_lazy("Done"),
    "failed": gettext_lazy("Build failed"),
    "abandoned": gettext_lazy("No longer followed"),
}
STATE_SHAPES: Final = {"queued": "clock", "done": "pass", "failed": "fail", "abandoned": "eye-off"}
STATE_KINDS: Final = {"done": "done", "failed": "failed", "abandoned": "done", "queued": "waiting"}
PHASE_WORDS: Final = {
    "pending": gettext_lazy("still to come"),
    "active": gettext_lazy("now"),
    "done": gettext_lazy("done"),
    "failed": gettext_lazy("failed"),
    "skipped": gettext_lazy("not reported"),
}
PHASE_SHAPES: Final = {"pending": "waiting", "active": "running", "done": "pass", "failed": "fail", "skipped": "skipped"}
FAVICONS: Final = frozenset({"running", "confirmed", "caution", "failed", "simulated", "unattested"})
LONG_TABLE_ROWS: Final = 20
"""More rows than that scroll in a box of their own and can be searched."""
_CAUTION: Final = frozenset({"unpinned", "incomplete"})


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """A shape of the house. It never stands alone: a word is beside it, visible or for screen readers."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>', classes, static("icons/icons.svg"), name
    )


@register.simple_tag
def favicon(kind: str = "") -> str:
    """Address of the page's small picture for a verdict or state; anything else has the neutral one."""
    kind = "caution" if kind in _CAUTION else kind
    return static(f"icons/favicon-{kind}.svg" if kind in FAVICONS else "icons/favicon.svg")


@register.filter
def size(count: int | None, digits: int = 3) -> str:
    """Bytes in binary units; fewer digits where the number is only about right."""
    return formats.size_text(count, digits)


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in human units."""
    return formats.duration_text(seconds)


@register.filter
def headline(text: str) -> SafeString:
    """A verdict's sentence with its first word and its digests set apart."""
    return formats.headline_html(str(text))


@register.filter
def visible(text: str) -> str:
    """Foreign text with control and direction marks written out; escaping still happens."""
    return make_visible(str(text))


@register.filter
def said(text: str) -> str:
    """A text that a worker stored in English, in the language of the page."""
    return make_said(text)


@register.filter
def said_parts(text: str) -> str:
    """What a library listed, piece by piece in the language of the page."""
    return make_said_parts(text)


@register.filter
def as_moment(text: str) -> datetime | None:
    """An RFC 3339 time of a document as a moment; None when it is none."""
    try:
        moment = parse_datetime(str(text))
    except ValueError:
        return None
    return moment if moment is not None and timezone.is_aware(moment) else None


@dataclass(frozen=True)
class Tally:
    """How many checks of a link had which outcome."""

    total: int
    passed: int
    failed: int
    skipped: int
    error: int


@register.filter
def tally(checks: Iterable[Any]) -> Tally:
    """Count checks by outcome."""
    found = [str(check.outcome) for check in checks]
    return Tally(len(found), found.count("pass"), found.count("fail"), found.count("skipped"), found.count("error"))


@register.filter
def is_long(rows: Sequence[Any]) -> bool:
    """Whether a table of these rows needs a box of its own."""
    return len(rows) > LONG_TABLE_ROWS


@register.filter
def verdict_word(verdict: str) -> str:
    """A verdict in words."""
    return str(VERDICT_WORDS.get(verdict, verdict))


@register.filter
def state_word(state: str) -> str:
    """A build's state in words."""
    return str(STATE_WORDS.get(state, state))


@register.filter
def phase_word(status: str) -> str:
    """How far a phase is, in words."""
    return str(PHASE_WORDS.get(status, status))


@register.filter
def phase_shape(status: str) -> str:
    """The shape that says how far a phase is."""
    return PHASE_SHAPES.get(status, "waiting")


@register.filter
def seconds_since(end: datetime, start: datetime) -> float:
    """Seconds from one moment to another; never below zero."""
    return max(0.0, (end - start).total_seconds())


@register.filter
def unix_ms(moment: datetime | None) -> str:
    """A moment as Unix time in milliseconds, for scripts; never grouped by the language's rules."""
    return "" if moment is None else str(int(moment.timestamp() * 1000))


@register.simple_tag
def when(moment: datetime | None) -> SafeString:
    """A moment as relative text; the exact time with its zone shows on hover and focus."""
    if moment is None:
        return format_html('<span class="soft">{}</span>', _("unknown"))
    return format_html(
        '<time datetime="{}" data-relative data-exact="{}" tabindex="0">{}</time>',
        moment.isoformat(),
        formats.exact_text(moment),
        formats.relative_text(moment, timezone.now()),
    )


@register.simple_tag
def exactly(moment: datetime | None) -> SafeString:
    """A moment to the second, with its zone."""
    if moment is None:
        return format_html('<span class="soft">{}</span>', _("unknown"))
    return format_html('<time datetime="{}" data-moment>{}</time>', moment.isoformat(), formats.exact_text(moment))


@register.inclusion_tag("components/_digest.html")
def digest(value: str, whole: bool = False, what: str = "") -> dict[str, Any]:
    """A digest to read, copy and compare. `what` names it for the copy button: «commit»."""
    return {"value": make_visible(str(value)), "body": formats.digest_html(value, whole=whole), "whole": whole, "what": what or _("digest")}


@register.inclusion_tag("components/_state.html")
def state_chip(state: str) -> dict[str, Any]:
    """A build's state: word and shape."""
    return {
        "state": state,
        "word": STATE_WORDS.get(state, state),
        "shape": STATE_SHAPES.get(state, "running"),
        "kind": STATE_KINDS.get(state, "running"),
    }


@register.inclusion_tag("components/_verdict_tag.html")
def verdict_tag(verdict: str) -> dict[str, Any]:
    """A verdict in a list: word, shape and, where simulated, its pattern."""
    return {"verdict": verdict, "word": VERDICT_WORDS.get(verdict, verdict)}


@register.inclusion_tag("components/_outcome.html")
def outcome(value: str, word: str = "") -> dict[str, Any]:
    """The outcome of a check: word and shape."""
    return {"value": value, "word": word or OUTCOME_WORDS.get(value, value)}


@register.inclusion_tag("components/_command.html")
def command(line: str) -> dict[str, Any]:
    """A line for a terminal, to copy."""
    return {"line": line}


@register.inclusion_tag("components/_field.html")
def field(bound: Any, optional: bool = False, classes: str = "") -> dict[str, Any]:
    """A form's field with its label, hint and errors; what was typed stays."""
    widget = bound.field.widget
    described = [f"{bound.id_for_label}_hint"] if bound.help_text else []
    if bound.errors:
        described.append(f"{bound.id_for_label}_error")
        widget.attrs["aria-invalid"] = "true"
    if described:
        widget.attrs["aria-describedby"] = " ".join(described)
    if classes:
        widget.attrs["class"] = classes
    return {"field": bound, "optional": optional, "is_check": getattr(widget, "input_type", "") == "checkbox"}
