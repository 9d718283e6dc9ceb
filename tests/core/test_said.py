"""Texts that were stored in English, in the language of the page that shows them."""

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.core.said import said, said_parts


@pytest.fixture(autouse=True)
def _german():
    with translation.override("de"):
        yield


def test_english_page_shows_what_was_stored():
    with translation.override("en"):
        assert said("depends on «The root is a pinned one», which failed") == "depends on «The root is a pinned one», which failed"


def test_text_of_the_catalogue_is_translated():
    assert said("The root is a pinned one") == "Die Wurzel ist eine festgelegte"


def test_text_with_values_is_recognised_by_its_template():
    assert said("no allow-list entry matches the measurement 0a0b") == "kein Eintrag der Positivliste passt zum Messwert 0a0b"


def test_named_places_are_filled_by_name():
    text = "«fire» answers slowly: %(name)s"
    assert said("«fire» is switched off. It begins when an administrator switches it on again.").startswith("«fire» ist abgeschaltet.")
    assert said(text) == text


def test_value_that_is_a_sentence_of_the_verifier_is_translated_too():
    assert said("depends on «The root is a pinned one», which failed") == "hängt ab von «Die Wurzel ist eine festgelegte» (fehlgeschlagen)"


def test_value_behind_a_colon_stays():
    assert said("The root is a pinned one: 0a0b") == "Die Wurzel ist eine festgelegte: 0a0b"


def test_list_of_a_library_is_translated_piece_by_piece():
    assert said_parts("ABI 0.0; SMT allowed, Log") == "ABI 0.0; SMT erlaubt, Log"
    with translation.override("en"):
        assert said_parts("ABI 0.0; SMT allowed, Log") == "ABI 0.0; SMT allowed, Log"


def test_value_that_is_one_word_stays_a_name():
    assert said("the bytes of Log are missing") == "die Bytes von Log fehlen"


@pytest.mark.parametrize("text", ["", "nobody said that", "{0}", "%(name)s", "x" * 5000])
def test_anything_else_stays_as_it_is(text):
    assert said(text) == text


@given(st.text(max_size=700))
def test_hostile_text_raises_nothing(text):
    assert isinstance(said(f"depends on {text}, which {text}"), str)
