"""How long a follower waits and how much it takes."""

import math
from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class FollowLimits:
    poll_seconds: float = 0.5
    """Between two looks for builds that nobody follows."""
    builds: int = 200
    """Followed at once by one worker process."""
    claims: int = 25
    """Taken up at each look: several workers that look in turn share what there is."""
    batch_seconds: float = 0.05
    """Events are gathered this long before they are stored together."""
    batch_builds: int = 20
    """Of more builds at once each gathers longer, so that the number of transactions a second stays the same."""
    batch_events: int = 5000
    buffer_bytes: int = 4 * 1024 * 1024
    """Of events not stored yet, for one build; beyond it the stream is not read on."""
    text_bytes: int = 256 * 1024
    """Of one event's text; the rest is cut off, and said so."""
    backoff_seconds: tuple[float, ...] = (0.2, 0.5, 1, 2, 5, 10)
    gone_seconds: float = 300
    """So long without anything new from a server that does not answer, or ends its stream at once: the build has
    failed.
    """
    steady_seconds: float = 30
    """A connection that has lasted this long counts as a sign of life, silent or not."""
    unknown_tries: int = 6
    """Answers «no such build», or of something that is no Kettle server, in a row."""
    pending_seconds: float = 2
    """An unfinished replay that stands still this long is asked for again from its beginning."""
    reconcile_seconds: float = 60
    """For the one full replay after the terminal event."""
    build_seconds: float = 12 * 3600


def limits_of_site() -> FollowLimits:
    """Give the limits as the site's settings say."""
    timeouts = settings.TIMEOUTS
    return FollowLimits(gone_seconds=timeouts.lost or math.inf, build_seconds=timeouts.build or math.inf)
