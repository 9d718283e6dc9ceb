from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kettle_web.sharing import viewlog
from kettle_web.sharing.models import ShareLink, ShareView

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("header", "family"),
    [
        (FIREFOX, "firefox"),
        (CHROME, "chrome"),
        (CHROME + " Edg/130.0", "edge"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605 (KHTML, like Gecko) Version/17 Safari/605", "safari"),
        ("curl/8.5.0", "tool"),
        ("python-httpx/0.28", "tool"),
        ("Slackbot-LinkExpanding 1.0", "bot"),
        ("github-camo (abc)", "bot"),
        ("", "other"),
        ("x" * 100_000, "other"),
    ],
)
def test_program_is_known_by_its_family_alone(header, family):
    assert viewlog.client_family(header) == family


@pytest.mark.django_db
def test_look_keeps_time_kind_and_family_and_nothing_else(link_to):
    token = link_to()
    Client(headers={"User-Agent": FIREFOX}).get(f"/s/{token}/", REMOTE_ADDR="192.0.2.7")
    row = ShareView.objects.get()
    assert (row.what, row.client) == ("page", "firefox")
    assert {field.name for field in ShareView._meta.get_fields()} == {"id", "link", "at", "what", "client"}


@pytest.mark.django_db
def test_badge_counts_no_look(link_to):
    Client().get(f"/s/{link_to()}/badge.svg")
    assert ShareLink.objects.get().view_count == 0


@pytest.mark.django_db
def test_lines_are_capped_and_the_count_goes_on(link_to, monkeypatch):
    monkeypatch.setattr(viewlog, "MOST_VIEWS", 3)
    token = link_to()
    for _ in range(5):
        Client().get(f"/s/{token}/")
    assert ShareView.objects.count() == 3
    assert ShareLink.objects.get().view_count == 5


@pytest.mark.django_db
def test_old_lines_are_forgotten(link_to):
    Client().get(f"/s/{link_to()}/")
    ShareView.objects.update(at=timezone.now() - viewlog.KEPT - timedelta(minutes=1))
    Client().get(f"/s/{link_to()}/")
    assert viewlog.looks_forget(timezone.now()) == 1
    assert ShareView.objects.count() == 1


def test_forgetting_is_periodic_work():
    from kettle_web.core import periodic

    assert periodic._registry["sharing.looks"].work is viewlog.looks_forget
