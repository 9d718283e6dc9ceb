"""What the word that someone is typing may become: filters, their values, and names out of builds that they may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from kettle_web.builds.selectors import sees_all_builds
from kettle_web.history.filters import CHOICES, NAMES, choice_values, choice_word, filter_title
from kettle_web.history.reading import MAX_QUERY
from kettle_web.verifications.search.dictionary import MIN_PART, terms_containing
from kettle_web.verifications.search.postings import tokens_seen
from kettle_web.verifications.search.tokens import Family, Kind, term_text, token

SHOWN: Final = 8
LOOKED_AT: Final = 100
"""Names of which it is asked whether the viewer may see a build with them; where many people build, most are of others."""


@dataclass(frozen=True)
class Suggestion:
    text: str
    """The whole text of the search box once this is chosen."""
    word: str
    """What is shown of it."""
    what: str
    """What it is: «dependency»."""


def suggestions(*, viewer: User, typed: str) -> tuple[Suggestion, ...]:
    """Give at most `SHOWN` ways to go on."""
    text = typed.replace("\x00", "")[:MAX_QUERY]
    before, blank, last = text.rpartition(" ")
    minus = "-" if last.startswith("-") else ""
    word = last.removeprefix("-")
    if not word:
        return ()
    head = before + blank + minus
    name, colon, value = word.partition(":")
    if colon and name.lower() in CHOICES:
        return _values(head, name.lower(), value.lower())
    kinds = [kind for kind, (filtered, _word) in _kinds().items() if not colon or filtered == name.lower()]
    if colon and name.lower() not in NAMES:
        return ()
    wanted = value if colon else word
    found = () if colon else _filters(head, word.lower())
    return (*found, *_names(head, wanted, kinds, viewer))[:SHOWN]


def _kinds() -> dict[Kind, tuple[str, str]]:
    return {
        Kind.ADDRESS: ("repo", _("repository")),
        Kind.DEPENDENCY: ("dep", _("dependency")),
        Kind.FILE: ("file", _("file")),
        Kind.LABEL: ("label", _("label")),
        Kind.TOOL: ("tool", _("tool")),
        Kind.REF: ("ref", _("branch or tag")),
    }


def _filters(head: str, word: str) -> tuple[Suggestion, ...]:
    names = [name for name in NAMES if name.startswith(word)]
    return tuple(Suggestion(f"{head}{name}:", f"{name}:", _("filter: %(title)s") % {"title": filter_title(name)}) for name in names)


def _values(head: str, name: str, begun: str) -> tuple[Suggestion, ...]:
    values = [value for value in choice_values(name) if value.startswith(begun) or begun in choice_word(name, value).lower()]
    return tuple(Suggestion(f"{head}{name}:{value} ", f"{name}:{value}", choice_word(name, value)) for value in values[:SHOWN])


def _names(head: str, typed: str, kinds: list[Kind], viewer: User) -> tuple[Suggestion, ...]:
    wanted = term_text(typed.strip('"'))
    if len(wanted) < MIN_PART or not kinds:
        return ()
    found = terms_containing(wanted, kinds=kinds, limit=LOOKED_AT)
    if not sees_all_builds(viewer):
        # Someone else's names are none of the viewer's business.
        owner = token(Family.OWNER, viewer.pk)
        seen = tokens_seen([token(Family.TERM, pk) for pk, _kind, _text in found], owner)
        found = [row for row in found if token(Family.TERM, row[0]) in seen]
    words = _kinds()
    # What begins with it comes first, and the shorter before the longer.
    found.sort(key=lambda row: (not row[2].startswith(wanted), len(row[2]), row[2]))
    return tuple(_name(head, words[Kind(kind)], text) for _pk, kind, text in found)


def _name(head: str, kind: tuple[str, str], text: str) -> Suggestion:
    name, word = kind
    quoted = f'"{text}"' if " " in text else text
    return Suggestion(f"{head}{name}:{quoted} ", text, word)
