"""Small plots as SVG: built here from numbers, drawn by `static/css/plots.css`, the same in print and without scripts.

Every mark has its value in words, for whoever cannot see it; pages put the numbers in a table behind a fold as well. Colours and
strokes are classes, because the Content-Security-Policy forbids styles in the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH: Final = 600
HEIGHT: Final = 96
MAX_BARS: Final = 366
"""More marks than that are narrower than a pixel on a desk."""
_LEAST: Final = 2.0
"""Height of a bar whose value is not zero, so that it can be seen."""
_GAP: Final = 0.22
"""Of a bar's width, between it and the next one."""
_MAX_BAR: Final = 24.0


@dataclass(frozen=True)
class Bar:
    """One mark. `value` below zero or None: there is nothing to draw, and `text` says why."""

    value: float | None
    text: str
    """The whole mark in words: «23 Nov 2026: 12 builds»."""
    url: str = ""
    """Where a click leads; empty: nowhere. Never leaves the site."""
    kind: str = ""
    """A class of `plots.css`: `second`, `failed`, `quiet`; empty: the accent."""
    part: float = 0.0
    """Of `value`: what the lower piece of the bar stands for, in the second colour."""


def bars_svg(bars: Sequence[Bar], *, label: str, width: int = WIDTH, height: int = HEIGHT, most: float | None = None) -> SafeString:
    """Give bars from left to right as an SVG picture named `label`; empty without bars. `most`: the value of full height."""
    shown = bars[-MAX_BARS:]
    if not shown:
        return SafeString("")
    top = max([most or 0.0, *(bar.value or 0.0 for bar in shown)]) or 1.0
    step = width / len(shown)
    wide = min(step * (1 - _GAP), _MAX_BAR)
    marks = format_html_join("", "{}", ((_mark(bar, at * step + (step - wide) / 2, wide, height, top),) for at, bar in enumerate(shown)))
    # A picture's children are not for assistive technology; with links in it, it is a group of them.
    role = "group" if any(bar.url for bar in shown) else "img"
    return format_html(
        '<svg class="plot" viewBox="0 0 {} {}" preserveAspectRatio="none" role="{}" aria-label="{}">'
        '<line class="plot-floor" x1="0" y1="{}" x2="{}" y2="{}"/>{}</svg>',
        width, height, role, label, height, width, height, marks,
    )  # fmt: skip


def _mark(bar: Bar, x: float, wide: float, height: int, top: float) -> SafeString:
    tall = 0.0 if not bar.value or bar.value < 0 else max(bar.value / top * (height - 2), _LEAST)
    classes = f"plot-bar plot-{bar.kind}" if bar.kind else "plot-bar"
    body = _rect(classes, x, height - tall, wide, tall)
    if bar.part > 0 and bar.value:
        lower = max(bar.part / top * (height - 2), _LEAST)
        body = format_html("{}{}", body, _rect("plot-bar plot-second", x, height - lower, wide, lower))
    # Of full height, so that a small bar can be hit too.
    hit = _rect("plot-hit", x, 0, wide, height)
    if bar.url:
        return format_html('<a href="{}" aria-label="{}"><title>{}</title>{}{}</a>', bar.url, bar.text, bar.text, hit, body)
    return format_html("<g><title>{}</title>{}{}</g>", bar.text, hit, body)


def _rect(classes: str, x: float, y: float, wide: float, tall: float) -> SafeString:
    return format_html(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', classes, f"{x:.2f}", f"{y:.2f}", f"{wide:.2f}", f"{tall:.2f}"
    )
