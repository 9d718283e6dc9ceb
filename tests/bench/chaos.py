"""A long storm: two hundred builds while processes are killed and connections cut; what came of them, counted."""

import os
import tempfile
import time
from pathlib import Path

from tests.bench.rows import Row
from tests.chaos.storm import Storm

BUILDS = 200
KILLS = 12
"""Of each kind of process."""
SECONDS = 600.0


def chaos(runs: int) -> list[Row]:
    """200 builds in a storm (KETTLE_CHAOS_SEED=… brings one back): what was lost or doubled, and how the builds ended"""
    outcomes = []
    for number in range(min(runs, 1)):
        seed = int(os.environ.get("KETTLE_CHAOS_SEED") or time.time()) + number
        print(f"KETTLE_CHAOS_SEED={seed}")
        with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
            outcome = Storm(Path(folder), builds=BUILDS, seed=seed, kills=KILLS, seconds=SECONDS).run()
        for problem in outcome.wrong:
            print(problem)
        outcomes.append(outcome)
    ends = sorted({end for outcome in outcomes for end in outcome.ends})
    return [
        Row(
            "builds in a wrong state, submitted twice, or with another log than was built",
            "builds",
            _each(outcomes, lambda o: len(o.wrong)),
            0,
        ),
        Row("builds", "builds", _each(outcomes, lambda o: sum(o.ends.values()))),
        *(Row(f"… that ended as: {end}", "builds", _each(outcomes, lambda o, end=end: o.ends[end])) for end in ends),
        Row("submissions that the builder accepted", "jobs", _each(outcomes, lambda o: o.jobs)),
        Row("events compared, stored with built", "events", _each(outcomes, lambda o: o.lines)),
        *(
            Row(f"kills of the {victim}", "kills", _each(outcomes, lambda o, victim=victim: o.kills[victim]))
            for victim in ("worker", "web", "builder")
        ),
        Row("connections cut", "cuts", _each(outcomes, lambda o: o.cuts)),
        Row("connections stalled", "stalls", _each(outcomes, lambda o: o.stalls)),
        Row("it all took", "s", _each(outcomes, lambda o: o.seconds)),
    ]


def _each(outcomes, count) -> tuple[float, ...]:  # type: ignore[no-untyped-def]
    return tuple(float(count(outcome)) for outcome in outcomes)
