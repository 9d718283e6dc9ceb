import gzip
import re

from django.test import Client
from django.urls import reverse

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
