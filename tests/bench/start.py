"""How long a start takes until the site answers."""

import tempfile
import time
from pathlib import Path

from tests.bench.rows import Row
from tests.running import RunningSite

SECOND_START_SECONDS = 3.0


def start(runs: int) -> list[Row]:
    """`bin/run` until it prints the address: on a new data folder, and on one that it knows."""
    first, second, end = [], [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
            for seconds in (first, second):
                began = time.monotonic()
                site = RunningSite(Path(folder))
                seconds.append(time.monotonic() - began)
                began = time.monotonic()
                site.end()
                end.append(time.monotonic() - began)
    return [
        Row("first start", "s", tuple(first)),
        Row("second start", "s", tuple(second), SECOND_START_SECONDS),
        Row("end", "s", tuple(end)),
    ]
