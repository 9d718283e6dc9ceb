"""Texts that were said in English, by a library or by a worker long ago, in the language of the page that shows them.

A text that is itself in the catalogue is looked up. One that was made by putting values into a template
(«depends on {0}, which {1}», «%(name)s is empty.») is recognised by the template, and its values are put into the translation:
a report keeps its English sentences for ever, and each reader gets them in their own language. What no template fits stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.utils import translation
from django.utils.translation import gettext, trans_real

_MOST: Final = 600
"""Characters of a text that is compared with templates. Values are hostile, and some templates have four places."""
_PLACE: Final = re.compile(r"\{(\d)\}|%\((\w+)\)[.\d]*[sdg]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_ALONE: Final = frozenset({"failed"})
"""Values of one word that are the verifier's own. Any other single word may be a name that somebody gave."""


class _Template(NamedTuple):
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    translated: str


def said(text: str) -> str:
    """Give the text in the page's language, or as it is. Empty stays empty: gettext would give its own header."""
    if not text or is_english():
        return text
    return _said(translation.get_language() or "", text)


def said_parts(text: str) -> str:
    """The same for what a library listed: «SMT allowed, reserved, must be set». Single words stay, because they may be names."""
    if is_english():
        return text
    language = translation.get_language() or ""
    return "".join(_value(language, piece) for piece in re.split(r"([,;:] )", text))


def is_english() -> bool:
    return (translation.get_language() or "en").partition("-")[0] == "en"


@lru_cache(maxsize=4096)
def _said(language: str, text: str) -> str:
    exact = gettext(text)
    if exact != text or len(text) > _MOST:
        return exact
    for template in _templates(language):
        if match := template.pattern.fullmatch(text):
            return _filled(template, [_value(language, value) for value in match.groups()])
    kind, colon, value = text.partition(": ")
    return f"{gettext(kind)}{colon}{value}" if kind and colon else text


def _filled(template: _Template, values: list[str]) -> str:
    by_name = dict(zip(template.names, values, strict=True))
    return _PLACE.sub(lambda place: by_name.get(place[1] or place[2], place[0]), template.translated)


def _value(language: str, value: str) -> str:
    if value.startswith("«") and value.endswith("»"):
        return f"«{_value(language, value[1:-1])}»"
    return _said(language, value) if " " in value or value in _ALONE else value


@lru_cache(maxsize=8)
def _templates(language: str) -> tuple[_Template, ...]:
    """Those of the catalogue, the wordiest first: a text that fits several is most likely the one with most in common."""
    catalogue: Any = trans_real.translation(language)._catalog  # type: ignore[attr-defined]  # no public name
    found = []
    for identity in {key for part in catalogue._catalogs for key in part}:
        if isinstance(identity, str) and "\x04" not in identity and len(places := list(_PLACE.finditer(identity))) in range(1, 5):
            literal = _PLACE.sub(" ", identity)
            names = tuple(place[1] or place[2] for place in places)
            if len(_WORD.findall(literal)) >= 2 and len(set(names)) == len(names) and (text := gettext(identity)) != identity:
                found.append((len(literal), identity, names, text))
    return tuple(_Template(_pattern(identity), names, text) for _length, identity, names, text in sorted(found, reverse=True))


def _pattern(identity: str) -> re.Pattern[str]:
    pieces, at = [], 0
    for place in _PLACE.finditer(identity):
        pieces.append(re.escape(identity[at : place.start()]))
        at = place.end()
    return re.compile("(.*?)".join([*pieces, re.escape(identity[at:])]), re.DOTALL)
