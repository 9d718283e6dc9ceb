"""Why a change of the allow-list is refused."""

from __future__ import annotations


class PolicyRefused(Exception):
    """What was asked for may not be done. `code` is stable; the message is a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
