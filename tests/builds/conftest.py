"""People, endpoints and builds for the tests of `builds`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from kettle_web.builds.models import Build, Endpoint
from kettle_web.builds.services import build_create
from kettle_web.core import dispatch


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings) -> None:
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was put into the queue; nothing is run."""
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(dispatch.app, "send_task", lambda name, args, **kwargs: sent.append((name, *args)))
    return sent


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner", password="owner-password")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("stranger", password="stranger-password")


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_user("administrator", password="administrator-password", is_staff=True)


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    return Endpoint.objects.create(name="test", base_url="http://127.0.0.1:9", is_default=True)


@pytest.fixture
def build_make(owner: User, endpoint: Endpoint) -> Callable[..., Build]:
    def make(**fields: Any) -> Build:
        url = fields.pop("base_url", None)
        if url:
            Endpoint.objects.filter(id=endpoint.id).update(base_url=url)
            endpoint.refresh_from_db()
        state = fields.pop("state", None)
        build = build_create(owner=owner, endpoint=endpoint, origin="repository", repo_url="https://example.org/a/b", **fields)
        if state is not None:
            Build.objects.filter(id=build.id).update(state=state, job_id="5f9c2f0e-1111-4222-8333-444455556666")
            build.refresh_from_db()
        return build

    return make
