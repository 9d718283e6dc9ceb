"""Tags of public pages."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from kettle_web.sharing.inlined import modules_needed
from kettle_web.sharing.style import style_made

register = template.Library()


@register.simple_tag
def share_style() -> str:
    """Address of the one style sheet of public pages."""
    return reverse("sharing:style", args=[style_made().digest])


@register.simple_tag
def modules_preload(entry: str) -> SafeString:
    """Links that let a browser fetch all modules of an entry at once; else each is found only when the one that imports it has come."""
    return format_html_join("", '<link rel="modulepreload" href="{}">', ((static(f"js/{path}"),) for path in modules_needed(entry)))
