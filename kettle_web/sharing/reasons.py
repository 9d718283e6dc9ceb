"""The sentences of the browser's verifier in another language: pairs of texts for those that the site's catalogue has.

The modules speak English, as the library does whose twin they are, and share its sentences; so one translation serves both.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import count
from typing import Final

from django.utils import translation
from django.utils.translation import gettext

from kettle_web.sharing.inlined import modules_folder

_TEXT: Final = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
_VALUE: Final = re.compile(r"\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
_PLACE: Final = re.compile(r"\{\d\}")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


@cache
def reasons_said(language: str) -> tuple[tuple[str, str], ...]:
    """English and translated, `{0}` and so on in the place of values; the wordiest first, as a text may fit several."""
    with translation.override(language):
        pairs = {text: gettext(text) for text in sorted(_sentences())}
    found = [(english, other) for english, other in pairs.items() if other != english]
    return tuple(sorted(found, key=lambda pair: (-len(_PLACE.sub("", pair[0])), pair[0])))


def _sentences() -> set[str]:
    """Texts in quotation marks in the verifier's modules that have two words of their own."""
    texts = (_numbered(match[1] if match[1] is not None else match[2]) for match in _matches())
    return {text for text in texts if len(_WORD.findall(_PLACE.sub(" ", text))) >= 2}


def _matches() -> list[re.Match[str]]:
    paths = sorted((modules_folder() / "verify").glob("*.js"))
    return [match for path in paths for match in _TEXT.finditer(path.read_text("utf-8"))]


def _numbered(text: str) -> str:
    """With each value's place numbered, as the catalogue of the library's sentences has them."""
    numbers = count()
    return _VALUE.sub(lambda _match: "{" + str(next(numbers)) + "}", text).replace('\\"', '"')
