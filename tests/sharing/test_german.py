"""The public pages in German: nothing that the site itself says is left in English."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kettle_web.sharing.parts import Part
from kettle_web.verifications.services import report_create
from tests import catalogue
from tests.verifications.bundles import build_make, result_make

pytestmark = pytest.mark.django_db
ALL_PARTS = (Part.PROVENANCE, Part.DEPENDENCIES, Part.LOG, Part.ARTIFACTS)
_NOT_SAID = re.compile(
    r"<script.*?</script>|<style.*?</style>|<head>.*?</head>|<!--.*?-->|"
    r"<(\w+)[^>]* lang=\"en\".*?</\1>|<(code|pre|kbd)\b.*?</\2>",
    re.DOTALL,
)
_SPOKEN_ATTRIBUTE = re.compile(r'\b(?:aria-label|title|placeholder|alt|data-text-[\w-]+)="([^"]*)"')
_ENGLISH = re.compile(r"\b(?:the|of|is|was|which|not|this|and|that|has|by)\b", re.IGNORECASE)
_BOTH = re.compile(r"Root of|\bwas\b|MD5 of|hash-map|Statement", re.IGNORECASE)
"""«was» is a German word too."""


def sentences_of(page: str) -> list[str]:
    """What a page says, in its text, its templates and the attributes that are read out."""
    said = _NOT_SAID.sub(" ", page)
    pieces = [*_SPOKEN_ATTRIBUTE.findall(said), *re.split(r"<[^>]*>", said)]
    return [" ".join(html.unescape(piece).split()) for piece in pieces if piece.strip()]


def english_in(page: str) -> list[str]:
    known = {
        message.id
        for message in catalogue.po_read("de")
        if isinstance(message.id, str) and message.id != message.string and " " in message.id
    }
    return [text for text in sentences_of(page) if text in known or _ENGLISH.search(_BOTH.sub("", text))]


def german(path: str) -> str:
    answer = Client().get(f"{path}?lang=de")
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode()


@pytest.fixture
def failed(maker):
    """A build whose nonce is not the one in the evidence."""
    build = build_make(maker, tarball=result_make().tarball, nonce=bytes(range(16, 32)))
    report_create(build=build, now=timezone.now() + timedelta(days=1))
    build.refresh_from_db()
    return build


@pytest.mark.parametrize("below", ["", "report/", "card"])
@pytest.mark.parametrize("parts", [(), ALL_PARTS])
def test_page_of_a_link_is_german(link_to, below, parts):
    assert english_in(german(f"/s/{link_to(*parts)}/{below}")) == []


def test_portable_proof_is_german(link_to):
    assert english_in(german(f"/s/{link_to(*ALL_PARTS)}/proof.html")) == []


@pytest.mark.parametrize("path", ["/verifier/", "/verifier/verifier.html", "/s/wrong/", "/account/sign-in/", "/nowhere/"])
def test_other_public_page_is_german(path):
    assert english_in(german(path)) == []


def test_locked_page_is_german(link_to):
    assert english_in(german(f"/s/{link_to(passphrase='open sesame')}/")) == []


def test_headline_and_what_is_not_proven_are_german(link_to):
    page = german(f"/s/{link_to(*ALL_PARTS)}/")
    assert "Simuliert:" in page
    assert "Das beweist nichts über Hardware." in page
    assert "Was das nicht beweist" in page
    assert '<html lang="de">' in page


def test_search_for_english_finds_it(link_to):
    """The test above must be able to fail."""
    page = Client().get(f"/s/{link_to(*ALL_PARTS)}/?lang=en").content.decode()
    assert len(english_in(page.replace('lang="en"', ""))) > 40
