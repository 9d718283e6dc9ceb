"""Files that no byte limit ends."""

import signal
import time

import pytest

from kettle_web.builder.drivers import deadline
from kettle_web.builder.drivers.cargo_lock import toml_read
from kettle_web.builder.drivers.yaml_texts import yaml_documents
from kettle_web.builder.errors import SourceError


def test_a_key_of_a_million_parts_does_not_hold_a_build_for_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "READ_SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"Cargo\.toml takes longer"):
        toml_read(b"a." * 1_000_000 + b"a = 1", "Cargo.toml")
    assert time.monotonic() - started < 20


def test_a_long_yaml_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "READ_SECONDS", 0.01)
    with pytest.raises(SourceError, match=r"pnpm-lock\.yaml takes longer"):
        yaml_documents(b"- a\n" * 500_000, "pnpm-lock.yaml")


def test_nothing_is_left_of_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "READ_SECONDS", 0.05)
    before = signal.getsignal(signal.SIGALRM)
    with deadline.reading("x"):
        pass
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
