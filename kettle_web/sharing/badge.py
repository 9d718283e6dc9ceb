"""The badge: a small picture with words. Always the same form, so that what it does not say is «unavailable», never a blank."""

from __future__ import annotations

import hashlib
from typing import Final

from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import override

LEFT: Final = "kettle"
UNAVAILABLE: Final = "unavailable"
WORDS: Final = {
    "confirmed": "confirmed build",
    "unpinned": "builder not recognised",
    "incomplete": "not established",
    "unattested": "not attested",
    "simulated": "simulated",
    "failed": "failed",
    UNAVAILABLE: "unavailable",
}
"""English in every language: whoever embeds a badge shows it to readers whose language nobody knows."""
COLOURS: Final = {
    # Day and night: 4.5:1 at least against white and against #10161b, as static/css/tokens.css.
    "confirmed": ("#17653a", "#74cb97"),
    "unpinned": ("#7a5000", "#e4b455"),
    "incomplete": ("#7a5000", "#e4b455"),
    "unattested": ("#525e6a", "#a5b0bb"),
    "simulated": ("#333d47", "#d6dce1"),
    "failed": ("#a8231c", "#ff958c"),
    UNAVAILABLE: ("#525e6a", "#a5b0bb"),
}
SHAPES: Final = {
    # Told apart without colour: a tick, a question mark, a dash, a cross.
    "confirmed": "M3 7.5 6 10.5 11.5 4",
    "unpinned": "M4.6 5a2.4 2.4 0 1 1 3.4 2.2C7.2 7.6 7 8 7 8.8M7 11v.6",
    "incomplete": "M4.6 5a2.4 2.4 0 1 1 3.4 2.2C7.2 7.6 7 8 7 8.8M7 11v.6",
    "unattested": "M3 7h8",
    "simulated": "M2 12 12 2M2 7 7 2M7 12l5-5",
    "failed": "M3.5 3.5l7 7m0-7-7 7",
    UNAVAILABLE: "M3 7h8",
}
CHARACTER: Final = 6.6
"""Width in pixels that is set aside for one character; `textLength` makes any font keep to it."""
_TEMPLATE: Final = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}">
<title>{label}</title>
<style>
text{{font:11px system-ui,-apple-system,"Segoe UI",Verdana,sans-serif;fill:#1a2128}}
.f{{fill:#fff;stroke:#76828e}}.w{{fill:{day};font-weight:600}}.s{{stroke:{day}}}.h{{stroke:#dbe0e5}}.d{{stroke:#d7dce1}}
@media(prefers-color-scheme:dark){{text{{fill:#e7ebee}}.f{{fill:#191f25;stroke:#74818e}}.w{{fill:{night}}}.s{{stroke:{night}}}.h{{stroke:#2c363f}}.d{{stroke:#2d363f}}}}
</style>
<rect class="f" x=".5" y=".5" width="{inner}" height="19" rx="3"/>{hatch}
<text x="8" y="14" textLength="{left_width}" lengthAdjust="spacingAndGlyphs">{left}</text>
<path class="d" d="M{bar} 1v18"/>
<path class="s" d="{shape}" transform="translate({icon} 3)" fill="none" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>
<text class="w" x="{text}" y="14" textLength="{word_width}" lengthAdjust="spacingAndGlyphs">{word}</text>
</svg>
"""


def badge_label(verdict: str) -> str:
    """The words of a badge, as one line: its alternative text."""
    return f"{LEFT} · {WORDS.get(verdict, WORDS[UNAVAILABLE])}"


def badge_svg(verdict: str) -> bytes:
    """The picture for a verdict; anything unknown is «unavailable»."""
    kind = verdict if verdict in WORDS else UNAVAILABLE
    word, (day, night) = WORDS[kind], COLOURS[kind]
    left_width, word_width = round(len(LEFT) * CHARACTER), round(len(word) * CHARACTER)
    bar = 8 + left_width + 8
    text = bar + 26
    width = text + word_width + 9
    return _TEMPLATE.format(
        width=width, inner=width - 1, label=escape(badge_label(kind)), day=day, night=night, left=LEFT, left_width=left_width,
        word=escape(word), word_width=word_width, bar=bar, icon=bar + 7, text=text, shape=SHAPES[kind],
        hatch=_hatch(bar, width) if kind == "simulated" else "",
    ).encode()  # fmt: skip


def _hatch(start: int, end: int) -> str:
    """The diagonal pattern of everything simulated, which survives printing in grey."""
    lines = "".join(f"M{x} 19l{18} -18" for x in range(start + 2, end - 19, 7))
    return f'\n<path class="h" d="{lines}" fill="none"/>'


def badge_etag(svg: bytes) -> str:
    return f'"{hashlib.sha256(svg).hexdigest()[:32]}"'


def snippets(*, page_url: str, badge_url: str) -> dict[str, str]:
    """What to paste: the badge leads to its page, and says in words what it shows. The words stay true whatever it shows."""
    with override("en"):
        alt = _("kettle: attested build, current verdict")
    return {
        "markdown": f"[![{alt}]({badge_url})]({page_url})",
        "html": f'<a href="{page_url}"><img src="{badge_url}" alt="{alt}" height="20"></a>',
    }
