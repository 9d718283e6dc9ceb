import re
import xml.etree.ElementTree as ET

import pytest
from django.test import Client
from django.utils import timezone

from kettle_web.sharing.badge import COLOURS, WORDS, badge_label, badge_svg, snippets
from kettle_web.sharing.models import ShareLink
from kettle_web.verifications.models import Report


@pytest.mark.parametrize("verdict", sorted(WORDS))
def test_badge_says_its_verdict_in_words_and_for_those_who_do_not_see(verdict):
    root = ET.fromstring(badge_svg(verdict))
    assert root.get("role") == "img"
    assert root.get("aria-label") == badge_label(verdict) == f"kettle · {WORDS[verdict]}"
    assert WORDS[verdict] in "".join(root.itertext())


@pytest.mark.parametrize("verdict", ["", "nonsense", "<script>"])
def test_anything_else_is_unavailable(verdict):
    assert badge_svg(verdict) == badge_svg("unavailable")


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("verdict", sorted(COLOURS))
def test_words_stand_out_by_day_and_by_night(verdict):
    for colour, ground in zip(COLOURS[verdict], ("#ffffff", "#191f25"), strict=True):
        dark, light = sorted((_luminance(colour), _luminance(ground)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_simulated_is_hatched():
    assert b'class="h"' in badge_svg("simulated")
    assert b'class="h"' not in badge_svg("confirmed")


def test_snippets_lead_to_the_page_and_have_alternative_text():
    pasted = snippets(page_url="https://k.example/s/t/", badge_url="https://k.example/s/t/badge.svg")
    assert pasted["markdown"] == "[![kettle: attested build, current verdict](https://k.example/s/t/badge.svg)](https://k.example/s/t/)"
    assert 'alt="kettle: attested build, current verdict"' in pasted["html"]


@pytest.mark.django_db
class TestServed:
    def test_present_verdict_is_shown_and_asked_for_each_time(self, link_to, shared):
        token = link_to()
        answer = Client().get(f"/s/{token}/badge.svg")
        assert answer["Content-Type"].startswith("image/svg+xml")
        assert "kettle · simulated" in answer.content.decode()
        assert "no-cache" in answer["Cache-Control"]
        assert "no-store" not in answer["Cache-Control"]
        again = Client().get(f"/s/{token}/badge.svg", headers={"If-None-Match": f"W/{answer['ETag']}"})
        assert (again.status_code, again.content) == (304, b"")
        row = Report.objects.get(build=shared)
        row.document["now"]["verdict"] = "failed"
        row.save(update_fields=["document"])
        changed = Client().get(f"/s/{token}/badge.svg", headers={"If-None-Match": answer["ETag"]})
        assert changed.status_code == 200
        assert "kettle · failed" in changed.content.decode()

    def test_whatever_does_not_open_gives_the_very_same_answer(self, link_to, django_assert_num_queries):
        revoked, expired, locked = link_to(), link_to(expires_at=timezone.now()), link_to(passphrase="long enough")
        ShareLink.objects.filter(pk=ShareLink.objects.order_by("pk").first().pk).update(revoked_at=timezone.now())
        answers = []
        for token in ("wrong", "x" * 5000, "%00", revoked, expired, locked):
            with django_assert_num_queries(1):
                answers.append(Client().get(f"/s/{token}/badge.svg"))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
        assert "kettle · unavailable" in answers[0].content.decode()

    def test_its_own_style_is_all_that_it_may_use(self, link_to):
        policy = Client().get(f"/s/{link_to()}/badge.svg")["Content-Security-Policy"]
        assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; sandbox", policy)


@pytest.mark.django_db
class TestCard:
    def test_card_alone_may_be_framed(self, link_to):
        token = link_to()
        card, page = Client().get(f"/s/{token}/card"), Client().get(f"/s/{token}/")
        assert "frame-ancestors *" in card["Content-Security-Policy"]
        assert "X-Frame-Options" not in card
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
        assert page["X-Frame-Options"] == "DENY"

    def test_closed_card_is_the_same_for_every_reason_and_says_so_in_words(self, link_to):
        locked = link_to(passphrase="long enough")
        answers = [Client().get(f"/s/{token}/card") for token in ("wrong", locked)]
        assert {answer.status_code for answer in answers} == {404}
        assert answers[0].content == answers[1].content
        assert "Unavailable" in answers[0].content.decode()

    def test_card_hears_nothing(self):
        from kettle_web.settings import BASE_DIR

        source = (BASE_DIR / "static" / "js" / "card.js").read_text()
        assert not re.search(r"postMessage|addEventListener\(.message|window\.(parent|opener|name)|location\.hash", source)
