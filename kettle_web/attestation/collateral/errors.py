"""What a source raises."""

from __future__ import annotations

from ..checks import CheckImpossible


class CollateralMissing(CheckImpossible):
    """The source has none. The message says why; `retry`: asking again later can help."""

    def __init__(self, code: str, message: str, *, retry: bool = False) -> None:
        super().__init__(code, message)
        self.retry = retry
