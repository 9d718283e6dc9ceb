import re
from datetime import timedelta

import pytest
from django.contrib.auth import hashers
from django.test import Client
from django.utils import timezone

from kettle_web.sharing import passphrase
from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.parts import Part

pytestmark = pytest.mark.django_db

RIGHT, WRONG = "correct horse battery", "wrong horse battery"


@pytest.fixture
def token(link_to):
    return link_to(Part.PROVENANCE, Part.DEPENDENCIES, passphrase=RIGHT)


def test_passphrase_is_stored_hashed(token):
    stored = ShareLink.objects.get().passphrase_hash
    assert RIGHT not in stored
    assert hashers.check_password(RIGHT, stored)


def test_link_asks_and_shows_nothing_before(client, token):
    answer = client.get(f"/s/{token}/")
    assert answer.status_code == 200
    assert "passphrase" in answer.content.decode()
    assert "hello" not in answer.content.decode()
    assert not answer.cookies
    assert ShareLink.objects.get().view_count == 0


def test_page_leads_only_to_addresses_that_the_cookie_goes_with(client, token):
    client.post(f"/s/{token}/", {"passphrase": RIGHT})
    page = client.get(f"/s/{token}/").content.decode()
    led = re.findall(r'(?:href|data-material)="([^"]*/s/[^"]*)"', page)
    assert f"/s/{token}/report.json" in led
    assert [address for address in led if not address.startswith(f"/s/{token}/")] == []


def test_right_one_opens_for_an_hour_and_for_this_link_alone(client, token, link_to):
    answer = client.post(f"/s/{token}/", {"passphrase": RIGHT})
    assert (answer.status_code, answer["Location"]) == (303, f"/s/{token}/")
    cookie = answer.cookies[passphrase.COOKIE]
    assert cookie["path"] == f"/s/{token}/"
    assert cookie["httponly"]
    assert cookie["max-age"] == 3600
    assert client.get(f"/s/{token}/").context["page"].report.artifact_count == 2
    assert client.get(f"/s/{token}/material.json").status_code == 200
    assert "sessionid" not in client.cookies
    other = link_to(passphrase=RIGHT)
    client.cookies[passphrase.COOKIE]["path"] = "/"
    assert "page" not in (client.get(f"/s/{other}/").context or {})


def test_cookie_ends_with_its_passphrase_and_its_hour(client, token, monkeypatch):
    client.post(f"/s/{token}/", {"passphrase": RIGHT})
    ShareLink.objects.update(passphrase_hash=passphrase.passphrase_hash("another one"))
    assert client.get(f"/s/{token}/material.json").status_code == 404
    client.post(f"/s/{token}/", {"passphrase": "another one"})
    assert client.get(f"/s/{token}/material.json").status_code == 200
    monkeypatch.setattr("django.core.signing.time.time", lambda: timezone.now().timestamp() + passphrase.COOKIE_SECONDS + 2)
    assert client.get(f"/s/{token}/material.json").status_code == 404


def test_revoked_link_does_not_ask_any_more(client, token):
    ShareLink.objects.update(revoked_at=timezone.now())
    closed = client.get("/s/wrong/")
    for answer in (client.get(f"/s/{token}/"), client.post(f"/s/{token}/", {"passphrase": RIGHT})):
        assert answer.status_code == 404
        assert answer.content == closed.content


@pytest.mark.parametrize("path", ["report.json", "material.json", "files/evidence.json", "log.txt", "summary.dsse.json"])
def test_everything_else_answers_like_a_closed_link(client, token, path):
    closed = client.get(f"/s/wrong/{path}")
    answer = client.get(f"/s/{token}/{path}")
    assert (answer.status_code, answer.content) == (404, closed.content)
    assert sorted(answer.headers.items()) == sorted(closed.headers.items())


def test_badge_of_a_locked_link_is_unavailable(client, token):
    assert client.get(f"/s/{token}/badge.svg").content == client.get("/s/wrong/badge.svg").content


def test_program_sends_it_with_the_request(client, token):
    def get(given: str) -> int:
        return client.get(f"/s/{token}.json", headers={"Authorization": "Basic " + _basic(given)}).status_code

    assert (get(RIGHT), get(WRONG), client.get(f"/s/{token}.json").status_code) == (200, 404, 404)


def _basic(given: str) -> str:
    import base64

    return base64.b64encode(f":{given}".encode()).decode()


@pytest.mark.parametrize("header", ["Basic", "Basic ???", "Basic /w==", "Bearer x"])
def test_header_that_cannot_be_read_opens_nothing(client, token, header):
    assert client.get(f"/s/{token}.json", headers={"Authorization": header}).status_code == 404


def test_after_ten_wrong_ones_even_the_right_one_waits(client, token):
    for _ in range(passphrase.MAX_FAILS):
        assert client.post(f"/s/{token}/", {"passphrase": WRONG}).status_code == 403
    assert client.post(f"/s/{token}/", {"passphrase": RIGHT}).status_code == 403
    ShareLink.objects.update(passphrase_fails_since=timezone.now() - passphrase.WINDOW - timedelta(seconds=1))
    assert client.post(f"/s/{token}/", {"passphrase": RIGHT}).status_code == 303
    assert ShareLink.objects.get().passphrase_fails == 0


@pytest.mark.parametrize("given", [RIGHT, WRONG, "", "x" * 10_000])
def test_one_hash_is_computed_whatever_the_token_opens(client, token, link_to, given, monkeypatch):
    """Wrong, revoked, open, locked and throttled cost the same by construction."""
    open_token, revoked = link_to(), link_to(passphrase=RIGHT)
    ShareLink.objects.filter(pk=ShareLink.objects.order_by("-pk").first().pk).update(revoked_at=timezone.now())
    throttled = link_to(passphrase=RIGHT)
    newest = ShareLink.objects.order_by("-pk").first()
    ShareLink.objects.filter(pk=newest.pk).update(passphrase_fails=99, passphrase_fails_since=timezone.now())
    count = []
    encode = hashers.get_hasher().__class__.encode

    def counted(self, *args, **kwargs):
        count.append(1)
        return encode(self, *args, **kwargs)

    monkeypatch.setattr(hashers.get_hasher().__class__, "encode", counted)
    costs = []
    for one in ("wrong", revoked, token, throttled):
        count.clear()
        client.post(f"/s/{one}/", {"passphrase": given})
        costs.append(len(count))
    assert costs == [1, 1, 1, 1]
    assert client.post(f"/s/{open_token}/", {"passphrase": given}).status_code == 405


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_form_of_another_site_opens_nothing(client, token, headers):
    answer = client.post(f"/s/{token}/", {"passphrase": RIGHT}, headers=headers)
    assert answer.status_code == 403
    assert not answer.cookies


def test_form_works_under_the_null_origin_of_a_page_without_referrer(token):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(f"/s/{token}/", {"passphrase": RIGHT}, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303
