import gzip
import re

import pytest
from django.test import Client
from django.urls import reverse

from kettle_web.sharing.inlined import module_digests
from kettle_web.sharing.script import ENTRIES, script_made
from kettle_web.sharing.style import STYLES, style_made, style_short


def test_style_keeps_every_rule_and_loses_what_means_nothing():
    assert style_short("/* a */\n@layer x {\n  p::before {\n    content: ' (';\n    margin: 0 auto;\n  }\n}\n") == (
        "@layer x{p::before{content: ' (';margin: 0 auto;}}"
    )


def test_nothing_of_any_sheet_is_lost(settings):
    made = re.sub(rb"\s", b"", style_made().text)
    for name in STYLES:
        sheet = (settings.BASE_DIR / "static" / "css" / f"{name}.css").read_text()
        for selector in re.findall(r"^\s*(\.[\w-]+) \{$", sheet, re.MULTILINE):
            assert selector.encode() + b"{" in made, selector


def test_style_may_be_kept_for_ever_under_its_own_digest_alone(db):
    made = style_made()
    answer = Client(headers={"Accept-Encoding": "gzip"}).get(reverse("sharing:style", args=[made.digest]))
    assert "immutable" in answer["Cache-Control"]
    assert gzip.decompress(answer.content) == made.text
    assert Client().get("/share-0123456789abcdef.css")["Cache-Control"] == "no-store"


def test_no_sheet_loads_anything_from_elsewhere():
    assert not re.search(rb"@import|url\((?![\"']?(?:#|data:))", style_made().text)


@pytest.mark.parametrize("name", ENTRIES)
def test_script_may_be_kept_for_ever_under_its_own_digest_alone(db, name):
    made = script_made(name)
    answer = Client(headers={"Accept-Encoding": "gzip"}).get(reverse("sharing:script", args=[f"{name}-{made.digest}"]))
    assert "immutable" in answer["Cache-Control"]
    assert answer["Content-Type"].startswith("text/javascript")
    assert gzip.decompress(answer.content) == made.text
    assert Client().get(f"/share-{name}-0123456789abcdef.js")["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["nothing-0123456789abcdef", "page", "verify"])
def test_no_other_script_is_made(db, name):
    assert Client().get(f"/share-{name}.js").headers.get("Cache-Control", "") != "public, max-age=31536000, immutable"


def test_digests_of_scripts_and_of_what_is_in_them_are_published(db):
    page = Client().get("/verifier/").content.decode()
    inside = {path for name in ENTRIES for path in re.findall(rb"^// ([\w/-]+\.js)$", script_made(name).text, re.MULTILINE)}
    published = {path.encode() for path, _sha256 in module_digests()} | {b"card.js"}
    assert b"verify/run.js" in inside
    assert inside <= published
    assert all(script_made(name).sha256 in page.replace(" ", "") for name in ENTRIES)
