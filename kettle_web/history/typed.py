"""Takes apart what was typed into the search box: words, quoted texts, filters like `verdict:failed`, and exclusions. No database."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext as _

from kettle_web.history.filters import NAMES
from kettle_web.history.reading import MAX_QUERY, Reading, phrase_read, query_read

MAX_WORDS: Final = 8
"""Each is searched for itself."""
_PIECE: Final = re.compile(r"""(?P<minus>-?)(?:(?P<name>[a-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>\S*))""", re.IGNORECASE)
_SPELLINGS: Final = frozenset({"sha1", "sha256", "sha384", "sha512", "pkg", "http", "https", "git", "ssh", "file"})
"""Beginnings with a colon that are no filters: digests, purls, addresses."""


@dataclass(frozen=True)
class Word:
    text: str
    reading: Reading
    is_excluded: bool = False
    phrase: Reading | None = None
    """What this word and the others may mean together; a build of which that is true need not have the words one by one."""


@dataclass(frozen=True)
class Typed:
    """What a text in the search box says."""

    words: tuple[Word, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    """Name and value; a value that begins with `-` excludes."""
    log: str = ""
    """What `log:` asks for; it is looked for in one build's log, not here."""
    notes: tuple[str, ...] = ()
    rest: str = ""
    """The text without its filters: what stays in the box when they have become chips."""


def typed_read(text: str) -> Typed:
    """Give what `text` says. A text that has a meaning as a whole, like a digest or a purl, is one word."""
    text = text.replace("\x00", "").strip()[:MAX_QUERY]
    if not text:
        return Typed()
    words: list[Word] = []
    rest: list[str] = []
    filters: list[tuple[str, str]] = []
    notes: list[str] = []
    log = ""
    for piece in _PIECE.finditer(text):
        name, value = (piece["name"] or "").lower(), piece["quoted"] if piece["quoted"] is not None else piece["bare"]
        whole = piece.group().strip()
        if not whole or whole in ("-", '"', '""'):
            continue
        is_file = name == "file" and value.startswith("//")
        if name == "log" and value:
            log = value
        elif name in NAMES and value and not is_file:
            filters.append((name, f"-{value}" if piece["minus"] else value))
            continue
        else:
            if name and name not in _SPELLINGS and not value.startswith("//") and "@" not in whole:
                notes.append(_unknown(name, value))
            body = value if not name else f"{piece['name']}:{value}"
            words.append(Word(body, query_read(body), bool(piece["minus"])))
        rest.append(whole)
    if len(words) > MAX_WORDS:
        notes.append(_("Only the first %(count)d words are searched for.") % {"count": MAX_WORDS})
    return Typed(_joined(words[:MAX_WORDS]), tuple(filters), log, tuple(notes), " ".join(rest))


def _joined(words: list[Word]) -> tuple[Word, ...]:
    phrase = phrase_read([word.text for word in words if not word.is_excluded])
    return tuple(word if word.is_excluded else replace(word, phrase=phrase) for word in words)


def _unknown(name: str, value: str) -> str:
    if name in NAMES or name == "log":
        return _("«%(name)s:» needs a value right behind it, so it was searched for as text.") % {"name": name}
    words = {"name": name, "names": ", ".join(f"{known}:" for known in NAMES)}
    return _("«%(name)s:» is no filter, so it was searched for as text. Filters: %(names)s.") % words
