"""The palette holds its promise: every pair of text and ground that the style sheets use is readable in both themes."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
AA_TEXT = 4.5
AA_SHAPE = 3.0
"""WCAG 2.2, 1.4.3 and 1.4.11."""

GROUNDS = ("paper", "surface", "sunk")
TEXT = [
    *((text, ground) for text in ("ink", "ink-soft", "copper") for ground in GROUNDS),
    *((hue, ground) for hue in ("confirmed", "caution", "failed", "unattested") for ground in ("surface", "paper", f"{hue}-wash")),
    *(("ink", f"{hue}-wash") for hue in ("confirmed", "caution", "failed", "unattested", "copper")),
    ("copper", "copper-wash"),
    ("on-copper", "copper-fill"),
    ("on-copper", "copper-fill-hover"),
    # Behind the word «Simulated» run both the ground and the stripes.
    ("simulated", "simulated-wash"),
    ("simulated", "hatch"),
    *((text, "log-paper") for text in ("log-ink", "log-soft")),
    *((f"ansi-{name}", "log-paper") for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")),
    ("log-ink", "log-mark"),
]
SHAPES = [("line-strong", ground) for ground in GROUNDS] + [("focus", ground) for ground in GROUNDS]


def palette(theme: int) -> dict[str, str]:
    """Token -> colour; theme 0 is light, 1 is dark."""
    colours: dict[str, str] = {}
    for name, value in re.findall(r"--([\w-]+):\s*(light-dark\([^;]*\)|#[0-9a-f]{6});", TOKENS.read_text()):
        found = re.findall(r"#[0-9a-f]{6}", value)
        if found:
            colours.setdefault(name, found[min(theme, len(found) - 1)])
    return colours


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_on_white_is_twenty_one():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_is_readable_on_its_ground(text: str, ground: str, theme: int):
    colours = palette(theme)
    assert contrast(colours[text], colours[ground]) >= AA_TEXT


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_borders_and_focus_are_seen_on_their_ground(shape: str, ground: str, theme: int):
    colours = palette(theme)
    assert contrast(colours[shape], colours[ground]) >= AA_SHAPE
