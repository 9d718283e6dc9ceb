import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.services import link_create, link_revoke
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import HELLO, build_make, result_make
from tests.verifications.streams import streamed

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return person_make("ada-lovelace")


@pytest.fixture
def build(ada):
    build = build_make(ada, tarball=result_make().tarball, label="ada's label")
    report_create(build=build, now=timezone.now())
    return build


@pytest.fixture
def link(ada, build):
    return link_create(build=build, user=ada, label="for Grace")[0]


@pytest.fixture
def token(ada, build):
    return link_create(build=build, user=ada, label="for the customer")[1]


# Making and revoking


def test_link_is_made_and_its_address_shown_once(client, ada, build):
    client.force_login(ada)
    answer = client.post(f"/builds/{build.uid}/links/", {"label": "for the customer", "days": "7"})
    url = answer.context["links"].created.url
    assert url in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    token = url.rstrip("/").rsplit("/", 1)[-1]
    assert token not in client.get(f"/builds/{build.uid}/links/").content.decode()
    row = ShareLink.objects.get()
    assert row.expires_at is not None
    assert timedelta(days=6) < row.expires_at - timezone.now() <= timedelta(days=7)
    assert Client().get(f"/s/{token}/").status_code == 200


def test_maker_is_warned_while_the_address_is_loopback(client, ada, build, settings):
    client.force_login(ada)
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    assert client.get(f"/builds/{build.uid}/links/").context["links"].warning
    settings.PUBLIC_URL = "https://kettle.example"
    assert not client.get(f"/builds/{build.uid}/links/").context["links"].warning


def test_htmx_gets_the_fragment_of_the_same_address(client, ada, build):
    client.force_login(ada)
    answer = client.post(f"/builds/{build.uid}/links/", headers={"HX-Request": "true"})
    assert "<html" not in answer.content.decode()
    assert answer.context["links"].created


def test_bad_expiry_is_refused(client, ada, build):
    client.force_login(ada)
    assert client.post(f"/builds/{build.uid}/links/", {"days": "-1"}).status_code == 422
    assert not ShareLink.objects.exists()


def test_build_that_is_not_verified_is_refused_with_a_sentence(client, ada):
    client.force_login(ada)
    answer = client.post(f"/builds/{build_make(ada).uid}/links/")
    assert answer.status_code == 409
    assert "not verified yet" in answer.content.decode()


def test_revoking_closes_the_link(client, ada, build, token):
    client.force_login(ada)
    link = ShareLink.objects.get()
    answer = client.post(f"/builds/{build.uid}/links/{link.uid}/revoke/")
    assert answer.status_code == 302
    assert Client().get(f"/s/{token}/").status_code == 404


def test_administrator_may_revoke(client, build, token):
    client.force_login(person_make("root", is_administrator=True))
    client.post(f"/builds/{build.uid}/links/{ShareLink.objects.get().uid}/revoke/")
    assert Client().get(f"/s/{token}/").status_code == 404


@pytest.mark.parametrize("visible", ["owner", "everyone"])
def test_others_neither_see_nor_make_nor_revoke_links(client, build, link, settings, visible):
    settings.BUILDS_VISIBLE_TO = visible
    client.force_login(person_make("bob"))
    assert client.get(f"/builds/{build.uid}/links/").status_code == 404
    assert client.post(f"/builds/{build.uid}/links/").status_code == 404
    assert client.post(f"/builds/{build.uid}/links/{link.uid}/revoke/").status_code == 404
    link.refresh_from_db()
    assert link.revoked_at is None


def test_link_of_another_build_is_not_revoked_through_ones_own(client, link):
    bob = person_make("bob")
    client.force_login(bob)
    theirs = build_make(bob, verdict="simulated")
    assert client.post(f"/builds/{theirs.uid}/links/{link.uid}/revoke/").status_code == 404


def test_links_need_a_session_a_post_and_a_token(client, ada, build, link):
    revoke = f"/builds/{build.uid}/links/{link.uid}/revoke/"
    assert client.get(f"/builds/{build.uid}/links/")["Location"].startswith("/account/sign-in/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.get(revoke).status_code == 405
    assert strict.post(revoke).status_code == 403
    assert strict.post(f"/builds/{build.uid}/links/").status_code == 403


# The public page


def test_stranger_sees_the_proof_and_nobodys_name(client, build, token):
    answer = client.get(f"/s/{token}/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "simulated" in text.lower()
    assert "hello" in text
    for private in ("ada-lovelace", "ada&#x27;s label", "for the customer", f"/builds/{build.uid}/"):
        assert private not in text
    assert answer.context["page"].report.verdict.does_not_prove


def test_everything_behind_the_link_opens_with_the_token(client, token):
    report = client.get(f"/s/{token}/").context["page"].report
    assert client.get(report.report_url).json()["now"]["verdict"] == "simulated"
    assert streamed(client.get(report.artifacts[0].url)) == HELLO
    for file in report.raw_files:
        answer = client.get(file.url)
        assert answer.status_code == 200
        assert len(streamed(answer)) == file.size


@pytest.mark.parametrize("path", ["", "report.json", "files/provenance.json"])
def test_answers_are_for_nobodys_index_cache_referrer_or_cookie_jar(client, token, path):
    answer = client.get(f"/s/{token}/{path}")
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["Cache-Control"] == "private, no-store"
    assert not answer.cookies
    if answer.streaming:
        streamed(answer)


def test_download_is_an_attachment(client, token):
    answer = client.get(client.get(f"/s/{token}/").context["page"].report.artifacts[0].url)
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    streamed(answer)


def _closed_tokens(ada, build):
    now = timezone.now()
    revoked, revoked_token = link_create(build=build, user=ada)
    link_revoke(link=revoked, now=now)
    _expired, expired_token = link_create(build=build, user=ada, expires_at=now - timedelta(seconds=1))
    return {
        "revoked": revoked_token,
        "expired": expired_token,
        "wrong": "A" * 43,
        "malformed": "%00",
        "short": "x",
        "long": "x" * 5000,
    }


@pytest.mark.parametrize("path", ["", "report.json", "files/provenance.json", "artifacts/" + "0" * 64 + "/hello"])
def test_wrong_expired_revoked_and_malformed_are_one_and_the_same_404(client, ada, build, path):
    answers = [client.get(f"/s/{token}/{path}") for token in _closed_tokens(ada, build).values()]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    assert not any(answer.cookies for answer in answers)


@pytest.mark.parametrize("path", ["files/secret-key", "artifacts/00/hello", "artifacts/" + "0" * 64 + "/x"])
def test_what_is_not_behind_an_open_link_answers_like_a_closed_one(client, ada, build, token, path):
    closed = client.get("/s/wrong/")
    answer = client.get(f"/s/{token}/{path}")
    assert answer.status_code == 404
    assert answer.content == closed.content


def test_token_of_one_build_opens_no_other(client, ada, token):
    other = build_make(ada, tarball=result_make(nonce=bytes([5] * 16), subjects={"other": b"2"}).tarball, nonce=bytes([5] * 16))
    report_create(build=other, now=timezone.now())
    digest = other.artifacts.get().sha256_hex
    assert client.get(f"/s/{token}/artifacts/{digest}/other").status_code == 404


def test_looks_are_counted_but_not_by_head(client, token):
    client.get(f"/s/{token}/")
    client.head(f"/s/{token}/")
    client.get(f"/s/{token}/")
    link = ShareLink.objects.get()
    assert link.view_count == 2
    assert link.last_viewed_at is not None


def test_public_addresses_take_no_posts(client, token):
    assert client.post(f"/s/{token}/").status_code == 405


def test_token_does_not_reach_the_log(client, token, caplog):
    caplog.set_level(logging.INFO)
    client.get(f"/s/{token}x/")
    client.get(f"/s/{token}/files/nothing")
    assert token not in caplog.text


def test_session_is_not_looked_at(client, token, django_assert_num_queries):
    # Link with build and maker, report, attempts, artifacts, count of looks, a line of the look, how many lines there are.
    with django_assert_num_queries(7):
        assert client.get(f"/s/{token}/").status_code == 200


def test_one_time_password_does_not_stand_before_a_link(client, token):
    from kettle_web.accounts.services import person_create

    client.force_login(person_create(name="eve", is_administrator=False)[0])
    assert client.get(f"/s/{token}/").status_code == 200


def test_download_that_goes_on_in_parts_ends_with_the_link(client, build, token):
    address = f"/s/{token}/files/result.tar.gz"
    first = client.get(address, headers={"range": "bytes=0-9"})
    assert (first.status_code, len(streamed(first))) == (206, 10)
    link_revoke(link=ShareLink.objects.get(), now=timezone.now())
    assert client.get(address, headers={"range": "bytes=10-"}).status_code == 404
