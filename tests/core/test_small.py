"""Secrets, queue, lock, request limit, visible text, health."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.db import transaction

from kettle_web.core import dispatch
from kettle_web.core.bodylimit import BodyLimit
from kettle_web.core.errors import FolderInUse
from kettle_web.core.lock import folder_lock
from kettle_web.core.secrets import SecretUnreadable, decrypt, encrypt
from kettle_web.core.visible import visible


def test_secret_opens_under_an_older_key_and_not_without_it(settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = (old,)
    token = encrypt("sesam")
    assert "sesam" not in token
    settings.FIELD_ENCRYPTION_KEYS = (new, old)
    assert decrypt(token) == "sesam"
    settings.FIELD_ENCRYPTION_KEYS = (new,)
    with pytest.raises(SecretUnreadable):
        decrypt(token)


@pytest.mark.django_db(transaction=True)
def test_task_is_queued_only_on_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr(dispatch.app, "send_task", lambda name, **kwargs: sent.append(name))
    with transaction.atomic():
        dispatch.enqueue("a.task", 1)
        assert sent == []
    assert sent == ["a.task"]
    with transaction.atomic():
        dispatch.enqueue("b.task", 1)
        transaction.set_rollback(True)
    assert sent == ["a.task"]


@pytest.mark.django_db(transaction=True)
def test_unreachable_queue_does_not_fail_what_was_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(name: str, **kwargs: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(dispatch.app, "send_task", unreachable)
    dispatch.enqueue("a.task", 1)


def test_second_server_on_a_folder_is_refused(tmp_path: Path) -> None:
    first = folder_lock(tmp_path)
    with pytest.raises(FolderInUse, match="process"):
        folder_lock(tmp_path)
    first.close()
    folder_lock(tmp_path).close()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "plain"), ("é漢", "é漢"), ("a\x1b[31m", "a⟨U+001B⟩[31m"), ("\u2066x", "⟨U+2066⟩x"), ("\x00", "⟨U+0000⟩")],
)
def test_steering_characters_are_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


async def _answer(headers: list[tuple[bytes, bytes]], chunks: list[bytes]) -> int:
    statuses: list[int] = []
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]

    async def application(scope, receive, send) -> None:
        while (await receive())["type"] != "http.disconnect":
            if not messages:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return

    async def receive():
        return messages.pop(0)

    async def send(message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await BodyLimit(application, 10)({"type": "http", "headers": headers}, receive, send)
    assert len(statuses) == 1
    return statuses[0]


async def test_request_within_the_limit_passes() -> None:
    assert await _answer([(b"content-length", b"10")], [b"12345", b"12345"]) == 200


async def test_announced_oversize_is_refused() -> None:
    assert await _answer([(b"content-length", b"11")], []) == 413
    assert await _answer([(b"content-length", b"-1")], []) == 413


async def test_unannounced_oversize_is_refused() -> None:
    assert await _answer([], [b"12345", b"123456"]) == 413


@pytest.mark.django_db
def test_health_needs_no_session(client) -> None:
    response = client.get("/health")
    assert (response.status_code, response.content) == (200, b"ok")
    assert "sessionid" not in response.cookies
    assert client.post("/health").status_code == 405
