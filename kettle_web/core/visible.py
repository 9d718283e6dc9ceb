"""Hostile text made visible: characters that steer a terminal or reorder a line are shown by their code."""

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control, format (bidirectional marks among them), surrogate, line and paragraph separator."""


def visible(text: str, *, keep: str = "") -> str:
    """Give `text` with every control and format character written as ``⟨U+202E⟩``, except those in `keep`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(letter):04X}⟩" if letter not in keep and unicodedata.category(letter) in _HIDDEN else letter for letter in text
    )
