"""The QR code of the report for print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import segno

QUIET: Final = 4
"""Modules of white on every side, as ISO/IEC 18004 asks for."""


@dataclass(frozen=True)
class QrPath:
    """A QR code as one path of an SVG: dark modules as runs of one row each."""

    size: int
    """Of the square, in modules, with its white margin."""
    path: str


def qr_path(text: str) -> QrPath:
    """The code of a text, with medium error correction: paper gets dirty. Raises `segno.DataOverflowError` beyond 2,331 bytes."""
    code = segno.make_qr(text, error="m")
    runs = []
    for y, row in enumerate(code.matrix):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            end = x
            while end < len(row) and row[end]:
                end += 1
            runs.append(f"M{x + QUIET} {y + QUIET}h{end - x}v1h-{end - x}z")
            x = end
    return QrPath(len(code.matrix) + 2 * QUIET, "".join(runs))
