"""When a server counts as out of order."""

from typing import Final

UNHEALTHY_AFTER: Final = 2
"""Failures in a row: one missed answer is not a server that is down."""
