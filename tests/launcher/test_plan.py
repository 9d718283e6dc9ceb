"""What each process is started with."""

from __future__ import annotations

from pathlib import Path

from kettle_web.launcher.plan import Wish, builder_child, environ_make

SECRETS = {
    "SECRET_KEY": "a" * 50,
    "DATABASE_URL": "postgres://user:secret@127.0.0.1/name",
    "REDIS_URL": "redis://:secret@127.0.0.1:6379/0",
    "EMAIL_URL": "smtp://user:secret@mail.example:587",
    "KETTLE_ENDPOINTS": '[{"name": "a", "url": "https://a.example", "token": "secret"}]',
    "KETTLE_PROVISIONER_URL": "https://machines.example/hook",
    "KETTLE_PROVISIONER_TOKEN": "secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


def test_builder_whose_builds_are_hostile_gets_no_secret_of_the_site(tmp_path: Path) -> None:
    wish = Wish(checkout=tmp_path, data=tmp_path, host="127.0.0.1", port=8000)
    environ = environ_make(wish, port=8000, builder_port=8001, environ={**SECRETS, "PATH": "/usr/bin"})
    assert set(SECRETS) <= set(environ)
    child = builder_child(environ, wish, port=8001, lock=3)
    assert not set(SECRETS) & set(child.environ)
    assert "secret" not in str(child.environ)
    assert child.environ["PATH"] == "/usr/bin"
