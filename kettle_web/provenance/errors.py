"""The one error of this package."""

from __future__ import annotations


class ProvenanceError(Exception):
    """A provenance document cannot be read, or contradicts its own format.

    `code` is stable; the message is a sentence for people, in lower case and without a final period.
    A retry never helps.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
