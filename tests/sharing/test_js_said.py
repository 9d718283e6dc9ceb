"""The browser's own sentences in the page's language, by the catalogue that the site's pages are translated with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from kettle_web.sharing.reasons import reasons_said
from tests.sharing.javascript import Runs, javascript

SCRIPT = str(Path(__file__).with_name("said.js"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with javascript(tmp_path_factory.mktemp("javascript")) as runs:
        yield runs


def spoken(run: Runs, *texts: str) -> list[str]:
    found: list[str] = run(SCRIPT, "spoken", [[list(pair) for pair in reasons_said("de")], list(texts)])
    return found


def test_a_sentence_with_a_value_is_translated_and_its_value_kept(run: Runs) -> None:
    measurement = "ab" * 48
    found = spoken(run, "there is no provenance.json", f"no allow-list entry matches the measurement {measurement}")
    assert found[0] != "there is no provenance.json"
    assert found[1].endswith(measurement)
    assert not found[1].startswith("no allow-list")


def test_a_title_inside_a_sentence_is_translated_too(run: Runs) -> None:
    (found,) = spoken(run, "depends on «The provenance can be read», which failed")
    assert "depends" not in found
    assert "can be read" not in found


@pytest.mark.parametrize("text", ["", "$&$1{0}", "no sentence of ours", "x" * 5000])
def test_what_is_not_ours_stays_as_it_is(run: Runs, text: str) -> None:
    assert spoken(run, text) == [text]


def test_a_value_cannot_put_itself_into_another_place(run: Runs) -> None:
    (found,) = spoken(run, "no allow-list entry matches the measurement $`{0}$&")
    assert found.endswith("$`{0}$&")


def test_most_sentences_of_the_checks_have_a_translation() -> None:
    assert len(reasons_said("de")) > 200
    assert reasons_said("en") == ()


@pytest.mark.parametrize(("language", "status"), [("de", 200), ("en", 200), ("xx", 404)])
def test_catalogue_is_for_everyone(db: None, language: str, status: int) -> None:
    assert Client().get(f"/verifier/reasons-{language}.json").status_code == status
