import pytest

from kettle_web.verifications.clean import json_storable, text_exact, text_storable


@pytest.mark.parametrize(("text", "stored"), [("a\x00b", "a\ufffdb"), ("\ud800", "\ufffd"), ("ünïcode", "ünïcode"), ("abcdef", "abcde")])
def test_text_is_stored_as(text, stored):
    assert text_storable(text, 5 if text == "abcdef" else None) == stored


@pytest.mark.parametrize("text", [None, 7, "x" * 41, "a\x00"])
def test_text_that_does_not_fit_is_not_halved(text):
    assert text_exact(text, 40) == ""


def test_every_text_of_a_json_value_is_storable():
    assert json_storable({"a\x00": ["b\x00", {"c": 1, "d": None, "e": True}]}) == {"a\ufffd": ["b\ufffd", {"c": 1, "d": None, "e": True}]}
