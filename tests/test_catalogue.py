"""The catalogues of translated texts: complete where they are made, and compiled as they are committed."""

import itertools
import re

import pytest
from babel.messages.catalog import Catalog
from django.test import Client
from django.utils import translation

from kettle_web.verification import sentences
from kettle_web.verification.report import Sentence
from kettle_web.verifications.words import HEADLINE_TAILS, sentence, sentence_parts
from tests import catalogue


@pytest.fixture(autouse=True)
def _language():
    yield
    translation.deactivate()


@pytest.fixture(scope="module")
def collected() -> Catalog:
    return catalogue.catalogue_collect()


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_compiled_catalogue_is_the_written_one(language):
    path = catalogue.po_path(language)
    assert path.with_suffix(".mo").read_bytes() == catalogue.mo_bytes(catalogue.po_read(language)), "run bin/messages compile"


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_translations_keep_the_places_for_values(language):
    import string

    for message in catalogue.po_read(language):
        if message.id and isinstance(message.id, str) and message.string and "python-brace-format" in message.flags:
            places = {name for _text, name, _spec, _conversion in string.Formatter().parse(message.string) if name}
            allowed = {name for _text, name, _spec, _conversion in string.Formatter().parse(message.id) if name}
            assert places <= allowed, message.id


ENGLISH_GRAMMAR = {"article", "were"}
"""Places that other languages need not fill: «a» or «an», «was» or «were»."""
_PLACE = re.compile(r"%\((\w+)\)[.\d]*[a-z]|\{(\w+)\}|(%%)")


def places(text: str) -> set[str]:
    return {"".join(found) for found in _PLACE.findall(text)}


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_every_text_is_translated(language, collected):
    written = catalogue.po_read(language)
    missing = []
    for message in collected:
        if not message.id:
            continue
        found = written.get(message.id, message.context)
        forms = found.string if found is not None and isinstance(found.string, tuple) else (found.string if found else "",)
        if not all(forms):
            missing.append(message.id)
    assert not missing, "run bin/messages collect, translate, and run bin/messages compile"


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_translations_have_the_places_of_their_texts(language):
    for message in catalogue.po_read(language):
        if not message.id:
            continue
        texts = message.id if isinstance(message.id, tuple) else (message.id,)
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        for text, form in zip(texts, forms, strict=True):
            assert places(form) <= places(text), message.id
            assert places(text) - ENGLISH_GRAMMAR <= places(form), message.id
            assert re.findall(r"<[^>]+>", form) == re.findall(r"<[^>]+>", text), message.id


def test_no_german_text_says_verified_without_saying_what():
    """A bare «verified» is read as «completely safe»."""
    for message in catalogue.po_read("de"):
        assert "erifizier" not in "".join(message.string), message.id


def test_texts_with_values_are_collected_with_numbered_places(collected):
    assert collected.get("depends on {0}, which {1}") is not None
    assert collected.get("no allow-list entry matches the measurement {0}") is not None


def test_texts_of_pages_templates_and_libraries_are_collected(collected):
    for text in (
        "What this does not prove",  # a template's
        "This build is not verified yet: there is nothing to share.",  # a service's
        sentences.SIMULATED,
        "The builder image is recognised",  # a check's title
        "The root is a pinned one",
    ):
        assert collected.get(text) is not None, text


def test_plural_texts_are_collected_as_such(collected):
    assert collected.get(("{{n}} time",)) is None
    assert collected.get("%(n)s time").id == ("%(n)s time", "%(n)s times")


def test_code_is_no_text_for_people():
    for text in ("SELECT x FROM y WHERE z = 1", "application/json", "text", "https://example.org a b c", "_private name here now"):
        assert not catalogue.is_sentence(text)


def test_every_sentence_of_a_report_is_made_of_collected_ones(collected):
    names = [name for name in dir(sentences) if name.isupper() and isinstance(getattr(sentences, name), str)]
    templates = [getattr(sentences, name) for name in names if " " in getattr(sentences, name)]
    assert len(templates) > 20
    for template in templates:
        assert collected.get(template.strip()) is not None, template


def test_headline_with_tails_is_taken_apart():
    for first, second in itertools.permutations(HEADLINE_TAILS, 2):
        assert sentence_parts(sentences.CONFIRMED + first + second) == (sentences.CONFIRMED, first.strip(), second.strip())
    assert sentence_parts(sentences.FAILED) == (sentences.FAILED,)


def test_text_is_the_verifiers_own_where_it_is_not_translated():
    value = Sentence(sentences.SIMULATED + sentences.NO_FILES_CHECKED, {"total": 3})
    with translation.override("en"):
        assert sentence(value) == value.text


def test_text_that_is_not_translated_whole_stays_english():
    catalog = Catalog(locale="de", charset="utf-8")
    catalog.add(("one file", "many files"), ("eine Datei", ""))
    catalog.add("a", "b")
    data = catalogue.mo_bytes(catalog)
    assert b"many files" not in data
    assert b"b" in data


@pytest.mark.django_db
class TestLanguageOfAPage:
    PATH = "/account/sign-in/"

    def test_address_chooses_before_the_browser(self):
        answer = Client(headers={"Accept-Language": "en"}).get(self.PATH + "?lang=de")
        assert answer["Content-Language"] == "de"
        assert '<html lang="de">' in answer.content.decode()

    def test_browser_chooses_where_the_address_does_not(self):
        assert Client(headers={"Accept-Language": "de-AT,en;q=0.5"}).get(self.PATH)["Content-Language"] == "de"
        assert Client().get(self.PATH)["Content-Language"] == "en"

    @pytest.mark.parametrize("wrong", ["", "xx", "../de", "de%00"])
    def test_anything_else_changes_nothing(self, wrong):
        assert Client().get(f"{self.PATH}?lang={wrong}")["Content-Language"] == "en"

    def test_stranger_gets_no_cookie_for_it(self):
        assert "django_language" not in Client().get("/s/wrong/?lang=de").cookies
        assert not Client().get("/s/wrong/?lang=de").cookies
