"""Twenty builds in a storm. `bin/bench chaos` runs two hundred."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.chaos.storm import Storm

pytestmark = [pytest.mark.stack, pytest.mark.needs("cargo")]
BUILDS = 20


def test_twenty_builds_in_a_storm_end_as_they_should(tmp_path: Path) -> None:
    # Another storm each day; KETTLE_CHAOS_SEED=… brings one back.
    seed = int(os.environ.get("KETTLE_CHAOS_SEED") or time.time() // 86400)
    print(f"KETTLE_CHAOS_SEED={seed}")
    outcome = Storm(tmp_path, builds=BUILDS, seed=seed, kills=3, seconds=40).run()
    print(outcome)
    assert outcome.wrong == []
    assert sum(outcome.ends.values()) == BUILDS
    # A storm that broke nothing, or in which nothing was built, would show nothing.
    assert sum(outcome.kills.values()) >= 3
    assert outcome.cuts >= 3
    assert outcome.ends["done simulated"] >= 3
