"""Texts from documents, so that a reader sees every character of them."""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import urlsplit, urlunsplit

_ESCAPED: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that do not show, or change how the rest shows: control, format and bidi, surrogates, unassigned, breaks."""


def visible(text: str) -> str:
    """The text with every character that does not show itself written as ``\\u{…}``. Twice is the same as once."""
    # Printable for Python is stricter: of the separators it allows the space alone.
    if text.isprintable():
        return text
    return "".join(f"\\u{{{ord(letter):x}}}" if unicodedata.category(letter) in _ESCAPED else letter for letter in text)


def address_shown(url: str) -> str:
    """An address with its host name in punycode, so that letters that look alike do not pass for one another."""
    if url.isascii():
        return visible(url)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        ascii_host = ".".join(label.encode("idna").decode() if label else "" for label in host.split("."))
        at = parts.netloc.lower().find(host)
        netloc = parts.netloc[:at] + ascii_host + parts.netloc[at + len(host) :] if host and at >= 0 else parts.netloc
        return visible(urlunsplit(parts._replace(netloc=netloc)))
    except ValueError:
        return visible(url)
