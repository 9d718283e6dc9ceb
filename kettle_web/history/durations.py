"""How long builds take, in classes that can be counted and added up: each is about 1.4 times as long as the one before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final

NONE: Final = -1
"""Class of builds without a duration: imports, and those that had not ended."""
LAST: Final = 50
"""Everything from two years up."""


def bucket(seconds: float | None) -> int:
    """Give the class of a duration; below one second it is 0."""
    if seconds is None or seconds < 0:
        return NONE
    return 0 if seconds < 1 else min(LAST, 1 + int(2 * math.log2(seconds)))


def bucket_seconds(number: int) -> float:
    """Give what stands for a class: its middle."""
    return 0.5 if number <= 0 else 2 ** ((number - 0.5) / 2)


def median_seconds(counts: Mapping[int, int]) -> float | None:
    """Give the middle duration of builds counted by class, right to a fifth; None: no build has one."""
    total = sum(count for number, count in counts.items() if number != NONE)
    reached = 0
    for number in sorted(number for number in counts if number != NONE):
        reached += counts[number]
        if 2 * reached >= total > 0:
            return bucket_seconds(number)
    return None


def build_seconds(*, origin: str, created_at: datetime, finished_at: datetime | None) -> float | None:
    """Give how long a build took, from its submission on; None: it has not ended, or was brought along."""
    if finished_at is None or origin == "import":
        return None
    return max(0.0, (finished_at - created_at).total_seconds())
