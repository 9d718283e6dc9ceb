"""One builder for all tests that only need some builder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builder.running import Builder, builder_running


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    with builder_running(tmp_path_factory.mktemp("builder")) as running:
        yield running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"
