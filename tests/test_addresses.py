"""Every address of the site, one by one: who gets in, what a stranger is told, what a page may load.

The addresses are read from the URL configuration, so that a new one is judged the day it is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from kettle_web.builds.models import Build, Upload
from kettle_web.sharing.services import link_create
from kettle_web.verifications.services import report_create
from tests.accounts.people import PASSWORD, person_make
from tests.verifications.bundles import build_make, result_make

pytestmark = pytest.mark.django_db

PUBLIC = {
    "core:health",
    "accounts:sign-in",
    "alarms:feed-by-token",
    "sharing:page",
    "sharing:report",
    "sharing:file",
    "sharing:report-below",
    "sharing:material",
    "sharing:summary",
    "sharing:printed",
    "sharing:proof-html",
    "sharing:proof-zip",
    "sharing:badge",
    "sharing:card",
    "sharing:log",
    "sharing:artifact",
    "sharing:keys",
    "sharing:style",
    "sharing:script",
    "sharing:reasons",
    "sharing:verifier",
    "sharing:verifier-file",
    # Answers 401 in JSON instead of leading to a form.
    "api:build",
}
FRAMEABLE = {"sharing:card"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ABSENT = "0000000000000000"
"""Shaped like an identifier, and nothing's."""


def addresses() -> Iterator[tuple[str, URLPattern]]:
    """Give each named view of the site with its pattern."""

    def walk(resolver: URLResolver, spaces: tuple[str, ...]) -> Iterator[tuple[str, URLPattern]]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                yield from walk(entry, (*spaces, entry.namespace) if entry.namespace else spaces)
            else:
                yield ":".join((*spaces, entry.name or "")), entry

    return walk(get_resolver(), ())


NAMES = sorted({name for name, _pattern in addresses()})
PATTERNS = dict(addresses())


@pytest.fixture(autouse=True)
def _files(tmp_path, settings) -> None:
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }


@pytest.fixture
def ada():
    return person_make("ada")


@pytest.fixture
def grace():
    return person_make("grace")


@pytest.fixture
def build(ada) -> Build:
    build = build_make(ada, tarball=result_make().tarball)
    report_create(build=build, now=timezone.now())
    build.refresh_from_db()
    return build


@pytest.fixture
def things(ada, build) -> dict[str, Any]:
    """A value for every part that an address may have, each of something that is ada's."""
    link, token = link_create(build=build, user=ada)
    artifact = build.artifacts.get()
    return {
        "uid": build.uid,
        "upload_uid": Upload.objects.create(owner=ada, name="a.zip", size=3).uid,
        "link_uid": link.uid,
        "token": token,
        "sha256": bytes(artifact.sha256).hex(),
        "name": artifact.name,
        "pk": ada.pk,
        "action": "disable",
        "form": "csv",
        "other_uid": build_make(ada).uid,
    }


def path_of(name: str, things: dict[str, Any]) -> str:
    """Give an address that exists. A part that this test has no value for is filled with one that nothing has."""
    pattern = PATTERNS[name].pattern
    values = {part: things.get(part, 1) for part in pattern.regex.groupindex}
    if name == "builds:upload":
        values["uid"] = things["upload_uid"]
    if name in ("builds:file", "sharing:file", "explorer:raw"):
        values["name"] = "provenance.json"
    if name == "explorer:table":
        values["name"] = "checks"
    return reverse(name, kwargs=values)


def test_every_address_has_a_name_of_its_own() -> None:
    names = [name for name, _pattern in addresses()]
    assert len(names) == len(set(names))
    assert "" not in {name.rpartition(":")[2] for name in names}


@pytest.mark.parametrize("name", NAMES)
def test_view_is_closed_unless_it_is_listed_as_public(name: str) -> None:
    assert getattr(PATTERNS[name].callback, "login_required", True) is (name not in PUBLIC)


@pytest.mark.parametrize("name", sorted(set(NAMES) - PUBLIC))
def test_anonymous_visitor_is_sent_to_sign_in_by_every_method(name: str, things) -> None:
    path = path_of(name, things)
    for method in METHODS:
        answer = Client().generic(method, path)
        assert (answer.status_code, answer.get("Location", "").partition("?")[0]) == (302, "/account/sign-in/"), method


@pytest.mark.parametrize("name", [name for name in NAMES if {"uid", "link_uid"} & set(PATTERNS[name].pattern.regex.groupindex)])
def test_stranger_gets_the_answer_of_what_does_not_exist(name: str, things, grace, build) -> None:
    client = Client()
    client.force_login(grace)
    path = path_of(name, things)
    absent = re.sub(r"(?<=/)[0-9a-z]{16}(?=[/.]|$)", ABSENT, path)
    assert absent != path
    for method in METHODS:
        found, missing = client.generic(method, path), client.generic(method, absent)
        assert found.status_code == missing.status_code, method
        assert found.status_code in (404, 405), method
        assert _without_token(found.content) == _without_token(missing.content), method
    before = build.state
    build.refresh_from_db()
    assert build.state == before


def _without_token(content: bytes) -> bytes:
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]*"', b"", content)


@pytest.mark.parametrize("name", NAMES)
def test_change_without_a_token_is_refused(name: str, things, ada) -> None:
    ada.is_staff = True
    ada.save()
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.generic(method, path_of(name, things))
        assert answer.status_code in (403, 405), method


@pytest.mark.parametrize("name", NAMES)
def test_answer_carries_the_headers_that_hold_a_browser_back(name: str, things, ada) -> None:
    ada.is_staff = True
    ada.save()
    client = Client()
    client.force_login(ada)
    answer = client.get(path_of(name, things))
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == ("no-referrer" if name.startswith("sharing:") and "token" in path_parts(name) else "same-origin")
    if answer["Content-Type"].startswith("text/html") and not answer.get("Content-Disposition", "").startswith("attachment"):
        assert ("frame-ancestors 'none'" in policy) is (name not in FRAMEABLE)
        assert ("X-Frame-Options" in answer) is (name not in FRAMEABLE)
        assert_nothing_inline(answer.content.decode())
    answer.close()


def path_parts(name: str) -> set[str]:
    return set(PATTERNS[name].pattern.regex.groupindex)


def assert_nothing_inline(html: str) -> None:
    """No script or style in the page itself: the policy would stop it, and whoever needed it would not notice in a test."""
    assert not re.search(r"<style|\sstyle=|javascript:", html, re.IGNORECASE)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", html, re.IGNORECASE)
    for script in re.findall(r"<script[^>]*>", html):
        assert " src=" in script


@pytest.mark.parametrize(
    "name", ["builds:file", "verifications:artifact", "sharing:file", "sharing:artifact", "sharing:proof-html", "sharing:proof-zip"]
)
def test_foreign_bytes_are_an_attachment(name: str, things, ada) -> None:
    client = Client()
    client.force_login(ada)
    answer = client.get(path_of(name, things))
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]
    answer.close()


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere/", 404), ("/builds/" + ABSENT + "/", 404), ("/s/wrong/", 404), ("/s/wrong/files/evidence.json", 404)]
)
def test_error_page_is_as_guarded_as_any_other(path: str, status: int, ada) -> None:
    client = Client()
    client.force_login(ada)
    answer = client.get(path)
    assert answer.status_code == status
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert_nothing_inline(answer.content.decode())


def test_foreign_host_name_is_refused() -> None:
    answer = Client().get("/account/sign-in/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert b"evil.example" not in answer.content


def test_page_that_breaks_says_nothing_of_how(ada, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("kettle_web.pages.views.home_page", broken)
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    answer = client.get("/")
    assert answer.status_code == 500
    assert b"secret detail" not in answer.content
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert_nothing_inline(answer.content.decode())


def test_cookies_are_kept_from_scripts_and_other_sites(ada) -> None:
    client = Client()
    client.get("/account/sign-in/")
    client.post("/account/sign-in/", {"username": "ada", "password": PASSWORD})
    session, csrf = client.cookies["sessionid"], client.cookies["csrftoken"]
    assert (session["httponly"], session["samesite"]) == (True, "Lax")
    assert csrf["samesite"] == "Lax"
