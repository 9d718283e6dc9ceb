"""What a request gets whose database is away: an honest page that needs none."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.urls import path as address

pytestmark = pytest.mark.django_db
handler500 = "kettle_web.core.broken.broken"


@login_not_required
def gone(request: HttpRequest) -> NoReturn:
    raise OperationalError("gone")


urlpatterns = [address("gone/", gone)]
"""Of the one test that must not open a connection of another thread's."""


@pytest.fixture
def person() -> User:
    return User.objects.create_user("ada", password="x")


def away(error: type[Exception] = OperationalError) -> Any:
    """Every query from now on fails as it does when the database is gone."""

    def refuse(*_args: object) -> NoReturn:
        raise error("server closed the connection: secret detail")

    return connection.execute_wrapper(refuse)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("path", ["/", "/builds/", "/builds/new/", "/builds/0123456789abcdef/"])
def test_page_says_that_the_database_is_away_and_asks_it_nothing(person: User, path: str, error: type[Exception]) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    with away(error):
        answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "10", "no-store")
    text = answer.content.decode()
    assert "The database does not answer just now" in text
    assert "secret detail" not in text
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_form_that_was_sent_meanwhile_is_told_to_look_first(person: User) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    with away():
        answer = client.post("/builds/new/", {"repo_url": "https://example.org/a/b"})
    assert answer.status_code == 503
    assert "before you send it again" in answer.content.decode()


def test_machines_are_told_as_json(person: User) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    with away():
        answer = client.get("/api/v1/builds/0123456789abcdef")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database-away")


async def test_the_same_holds_where_requests_are_served_by_asgi(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    answer = await AsyncClient(raise_request_exception=False).get("/gone/")
    assert answer.status_code == 503


def test_fault_of_our_own_is_no_outage(person: User) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    with away(ProgrammingError):
        answer = client.get("/")
    assert answer.status_code == 500
    assert "The fault is this site's" in answer.content.decode()
