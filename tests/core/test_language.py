"""The language of a page: by the address for strangers, kept in a cookie for people with an account."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import translation

from kettle_web.core.formats import duration_text, exact_text, size_text
from tests.accounts.people import person_make

pytestmark = pytest.mark.django_db
ADDRESS = "/account/language/"


@pytest.fixture(autouse=True)
def _language():
    yield
    translation.deactivate()


@pytest.fixture
def signed_in() -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(person_make("ada"))
    return client


def test_choice_is_kept_for_every_page_after_it(signed_in):
    assert signed_in.get("/builds/new/")["Content-Language"] == "en"
    answer = signed_in.post(ADDRESS, {"language": "de"}, headers={"Referer": "http://testserver/builds/new/"})
    assert (answer.status_code, answer["Location"]) == (302, "http://testserver/builds/new/")
    assert signed_in.cookies["django_language"]["httponly"]
    assert signed_in.get("/builds/new/")["Content-Language"] == "de"


def test_person_menu_shows_the_choice_and_which_is_in_force(signed_in):
    signed_in.post(ADDRESS, {"language": "de"})
    html = signed_in.get("/builds/new/").content.decode()
    assert 'name="language" value="de" lang="de" aria-pressed="true"' in html
    assert 'name="language" value="en" lang="en" aria-pressed="false"' in html


@pytest.mark.parametrize("wrong", ["", "xx", "../../etc"])
def test_unknown_language_changes_nothing(signed_in, wrong):
    signed_in.post(ADDRESS, {"language": wrong})
    assert "django_language" not in signed_in.cookies


def test_it_leads_to_no_other_site(signed_in):
    answer = signed_in.post(ADDRESS, {"language": "de", "next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_reading_the_address_is_refused(signed_in):
    assert signed_in.get(ADDRESS).status_code == 405


def test_address_is_stronger_than_the_choice(signed_in):
    signed_in.post(ADDRESS, {"language": "de"})
    assert signed_in.get("/builds/new/?lang=en")["Content-Language"] == "en"


def test_numbers_and_days_are_written_as_the_language_writes_them():
    moment = datetime(2026, 3, 5, 4, 5, 6, tzinfo=UTC)
    with translation.override("de"):
        assert (size_text(1_500_000), duration_text(2.96), exact_text(moment)) == ("1,43 MiB", "3,0 s", "5. Mär 2026, 04:05:06 UTC")
    with translation.override("en"):
        assert (size_text(1_500_000), duration_text(2.96), exact_text(moment)) == ("1.43 MiB", "3.0 s", "5 Mar 2026, 04:05:06 UTC")
