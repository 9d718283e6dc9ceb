"""`bin/messages`: collect what is to be translated, and make the catalogues that the site reads. It needs no gettext tools.

`bin/messages collect` brings `locale/<language>/LC_MESSAGES/django.po` up to date: texts that were translated stay, new ones are
empty, texts that nobody says any more go. `bin/messages compile` writes each `django.mo`, which is
committed: nothing has to be compiled where the site runs. A test holds every `.mo` to its `.po`.
"""

from __future__ import annotations

import ast
import io
import itertools
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

CHECKOUT: Final = Path(__file__).resolve().parent.parent
LOCALE: Final = CHECKOUT / "locale"
DOMAIN: Final = "django"
LANGUAGES: Final = ("de",)
LIBRARIES: Final = ("attestation", "provenance", "verification")
"""Their sentences are English texts without any marking, because they know no Django; they are translated where pages show them."""
OTHERS: Final = ("archives", "builder", "kettle_api", "launcher", "outbound")
"""Not shown in pages, or as they are: messages of other programs, of the terminal and of the log."""
TERMINAL: Final = ("__main__.py", "arguments.py", "cli.py", "measuring.py", "program.py", "proving.py", "rejudge.py", "text.py")
"""Of libraries: what their programs print."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Instead of the time at which a catalogue was made, which would change it every time."""
_CALL = re.compile(r"""\b(?:n?p?gettext|_)\((?:[^'"()]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")*\)""")
_DATED = re.compile(rb'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Language-Team|Report-Msgid-Bugs-To):.*\n', re.M)
KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_SENTENCE = re.compile(r"^\s?[^\s<{/_][^\n]*\s[^\n]*\s[^\n]*\S$|^[A-Z][^\n]* [^\n]*[\w.)]$")
"""Prose: three words, or two that begin with a capital letter."""
_CODE = re.compile(r"[=|\\]|^(https?|urn|spiffe):|%\(|\bstdout\b")


def catalogue_collect() -> Catalog:
    """Everything that pages can say, each with the files that say it."""
    catalogue = Catalog(domain=DOMAIN, project="Kettle Web", charset="utf-8", fuzzy=False)
    for path in sorted((CHECKOUT / "kettle_web").rglob("*.py")):
        inside = path.relative_to(CHECKOUT)
        if inside.parts[1] in OTHERS or (inside.parts[1] in LIBRARIES and path.name in TERMINAL):
            continue
        found = _of_library(path) if inside.parts[1] in LIBRARIES else _of_python(path.read_text("utf-8"))
        for message, context in found:
            catalogue.add(message, locations=[(inside.as_posix(), 0)], context=context)
    for path in sorted((CHECKOUT / "templates").rglob("*.html")):
        for message, context in _of_template(path):
            catalogue.add(message, locations=[(path.relative_to(CHECKOUT).as_posix(), 0)], context=context)
    return catalogue


Message = str | tuple[str, ...]


def _of_python(source: str) -> Iterator[tuple[Message, str | None]]:
    for _line, message, _comments, context in extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS):  # type: ignore[arg-type]
        if message:
            yield message, context


def _of_template(path: Path) -> Iterator[tuple[Message, str | None]]:
    from django.utils.translation.template import templatize

    # Django turns a template into something like Python, in which only the calls mean anything.
    lines = templatize(path.read_text("utf-8"), origin=str(path)).splitlines()
    calls = [
        found[0]
        for line in lines
        for found in re.finditer(r"\b(?:n?p?gettext|_)\((?:[^'\"()]|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")*\)", line)
    ]
    for call in calls:
        yield from _of_python(call)


def _of_library(path: Path) -> Iterator[tuple[Message, str | None]]:
    tree = ast.parse(path.read_text("utf-8"))
    skipped = _unspoken(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped and is_sentence(node.value):
            yield node.value.strip(), None
        if isinstance(node, ast.JoinedStr) and (template := template_of(node)):
            yield template, None


def template_of(node: ast.JoinedStr) -> str:
    """A text with values in it, its places numbered as `core.said` finds them again; empty: it is not one for people."""
    places = itertools.count()
    template = "".join(str(part.value) if isinstance(part, ast.Constant) else f"{{{next(places)}}}" for part in node.values).strip()
    literal = re.sub(r"\{\d\}", " ", template)
    is_one = len(re.findall(r"[^\W\d_]{2,}", literal)) >= 2 and is_sentence(template.replace("{0}", "Value", 1))
    return template if is_one and 0 < next(places) <= 4 and not re.search(r"[{}]", literal) else ""


def is_sentence(text: str) -> bool:
    """Whether a text of a library is one for people."""
    return bool(_SENTENCE.search(text)) and not _CODE.search(text)


def _unspoken(tree: ast.Module) -> set[int]:
    """Docstrings, and pieces of texts that are put together: no catalogue could hold those."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            found.update(id(part) for part in ast.walk(node))
    return found


def po_path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def po_read(language: str) -> Catalog:
    with po_path(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def mo_bytes(catalogue: Catalog) -> bytes:
    """The compiled form: the same bytes for the same texts. What is not translated whole is left out and stays English."""
    done = Catalog(locale=catalogue.locale, domain=DOMAIN, charset="utf-8", fuzzy=False)
    done.creation_date = done.revision_date = EPOCH
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id and all(forms):
            done.add(message.id, message.string, context=message.context)
    buffer = io.BytesIO()
    write_mo(buffer, done)
    return buffer.getvalue()


def po_bytes(catalogue: Catalog) -> bytes:
    """Sorted by text, without line numbers and dates: it changes only when a text does."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, sort_output=True, include_lineno=False, omit_header=False, width=120)
    return b"\n".join(line for line in _DATED.sub(b"", buffer.getvalue()).split(b"\n") if not line.startswith(b"# "))


def collect() -> None:
    """Bring every language up to date."""
    template = catalogue_collect()
    for language in LANGUAGES:
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalogue = po_read(language) if path.exists() else Catalog(locale=language, domain=DOMAIN, charset="utf-8", fuzzy=False)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        path.write_bytes(po_bytes(catalogue))


def compile_all() -> None:
    for language in LANGUAGES:
        po_path(language).with_suffix(".mo").write_bytes(mo_bytes(po_read(language)))


def main() -> int:
    django.setup()
    commands = {"collect": collect, "compile": compile_all}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print("usage: bin/messages collect | compile", file=sys.stderr)
        return 2
    commands[sys.argv[1]]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
