import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from kettle_web.sharing.logs import scrubbed, scrubbing_install
from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.selectors import link_opened_by, public_url_warning
from kettle_web.sharing.services import SharingError, link_create, link_revoke, token_sha256
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make


@pytest.fixture
def ada(db):
    return person_make("ada")


@pytest.fixture
def build(ada):
    return build_make(ada, verdict="simulated")


def test_token_is_256_bits_and_stored_only_as_its_digest(ada, build):
    link, token = link_create(build=build, user=ada)
    assert len(token) == 43
    row = ShareLink.objects.get(pk=link.pk)
    assert bytes(row.token_sha256) == token_sha256(token)
    assert token not in str(row.__dict__)


def test_token_opens_its_own_link_alone(ada, build):
    one, token = link_create(build=build, user=ada)
    link_create(build=build, user=ada)
    assert link_opened_by(token, now=timezone.now()) == one


@pytest.mark.parametrize("wrong", ["", "x", "é\udc80", "\x00", "x" * 100_000])
def test_other_tokens_open_nothing(ada, build, wrong):
    link_create(build=build, user=ada)
    assert link_opened_by(wrong, now=timezone.now()) is None


def test_digest_is_no_token(ada, build):
    link, _token = link_create(build=build, user=ada)
    assert link_opened_by(bytes(link.token_sha256).hex(), now=timezone.now()) is None


def test_link_opens_until_it_expires(ada, build):
    now = timezone.now()
    _link, token = link_create(build=build, user=ada, expires_at=now + timedelta(days=1))
    assert link_opened_by(token, now=now + timedelta(hours=23)) is not None
    assert link_opened_by(token, now=now + timedelta(days=1)) is None


def test_revoked_link_stays_closed_and_keeps_its_date(ada, build):
    now = timezone.now()
    link, token = link_create(build=build, user=ada)
    link_revoke(link=link, now=now)
    link_revoke(link=link, now=now + timedelta(days=1))
    assert link_opened_by(token, now=now) is None
    link.refresh_from_db()
    assert link.revoked_at == now


def test_build_that_is_not_verified_cannot_be_shared(ada):
    with pytest.raises(SharingError) as caught:
        link_create(build=build_make(ada), user=ada)
    assert caught.value.code == "not-ready"


def test_links_of_a_build_are_limited(ada, build, monkeypatch):
    monkeypatch.setattr("kettle_web.sharing.services.MAX_OPEN_LINKS", 1)
    link_create(build=build, user=ada)
    with pytest.raises(SharingError) as caught:
        link_create(build=build, user=ada)
    assert caught.value.code == "too-many"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://127.0.0.1:8000", "this machine"),
        ("http://localhost", "this machine"),
        ("http://[::1]:8000", "this machine"),
        ("https://0.0.0.0", "this machine"),
        ("http://kettle.example", "plain HTTP"),
        ("https://kettle.example", ""),
    ],
)
def test_maker_is_warned_about_the_public_address(url, word):
    warning = public_url_warning(url)
    assert word in warning
    assert bool(warning) == bool(word)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET /s/abc_DEF-123/report.json HTTP/1.1", "GET /s/…/report.json HTTP/1.1"),
        ("Not Found: /s/abc/", "Not Found: /s/…/"),
        ("/s/abc?x=1", "/s/…?x=1"),
        ("/builds/abc/", "/builds/abc/"),
        (7, 7),
    ],
)
def test_token_is_scrubbed_from(text, clean):
    assert scrubbed(text) == clean


def test_every_logger_is_scrubbed_like_the_web_servers_own(caplog, monkeypatch):
    scrubbing_install()
    caplog.set_level(logging.INFO)
    # A server that another test ran in this process may have silenced it.
    caplog.set_level(logging.INFO, logger="uvicorn.access")
    monkeypatch.setattr(logging.getLogger("uvicorn.access"), "propagate", True)
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "192.0.2.1", "GET", "/s/secret/", "1.1", 200)
    logging.getLogger("x").info("%(path)s", {"path": "/s/secret/"})
    assert "secret" not in caplog.text
    assert '"GET /s/…/ HTTP/1.1" 200' in caplog.text
