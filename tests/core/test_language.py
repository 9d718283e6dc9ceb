"""The language of a page: by the address for strangers, kept in a cookie for people with an account."""

import pytest
from django.test import Client
from django.utils import translation

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
