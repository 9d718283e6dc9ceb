import pytest

from kettle_web.core import dispatch


@pytest.fixture(autouse=True)
def _files(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }


@pytest.fixture(autouse=True)
def queued(monkeypatch):
    """What was put into the queue; nothing is run."""
    sent = []
    monkeypatch.setattr(dispatch.app, "send_task", lambda name, args, **kwargs: sent.append((name, *args)))
    return sent
