"""Tags of public pages."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils.translation import get_language

from kettle_web.sharing.script import script_made
from kettle_web.sharing.style import style_made

register = template.Library()


@register.simple_tag
def share_style() -> str:
    """Address of the one style sheet of public pages."""
    return reverse("sharing:style", args=[style_made().digest])


@register.simple_tag
def share_said() -> str:
    """Address of the verifier's sentences in the page's language; empty: it is English, as they are."""
    language = get_language() or "en"
    return "" if language == "en" else reverse("sharing:reasons", args=[language])


@register.simple_tag
def share_script(name: str) -> str:
    """Address of the one script of a public page: `page` or `card`."""
    return reverse("sharing:script", args=[f"{name}-{script_made(name).digest}"])
