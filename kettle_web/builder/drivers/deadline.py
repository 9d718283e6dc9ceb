"""A bound on the time that reading one file of a hostile project may take.

Parsers have inputs of some megabytes that take them days (a key of a million parts in TOML); no byte limit ends those.
"""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from kettle_web.builder.errors import SourceError

READ_SECONDS = 60.0
"""The largest lockfiles that are taken at all are read in some seconds."""


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Bound what is done inside. For the main thread of a build's own process, where signals arrive.

    Raises:
        SourceError: naming the file.
    """

    def late(number: int, frame: FrameType | None) -> None:
        raise SourceError(f"{name} takes longer than {READ_SECONDS:g} seconds to read: no tool writes one like that.")

    before = signal.signal(signal.SIGALRM, late)
    left, _ = signal.setitimer(signal.ITIMER_REAL, READ_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, before)
