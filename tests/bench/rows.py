"""The figures of one measurement."""

import statistics
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measured quantity, every run of it."""

    what: str
    unit: str
    values: tuple[float, ...]
    target: float | None = None
    """The values should be at most this; None: nothing was promised."""
    at_least: bool = False
    """The target is a floor, not a ceiling."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether even the worst run keeps the promise; None: there is none."""
        if self.target is None:
            return None
        return min(self.values) >= self.target if self.at_least else max(self.values) <= self.target

    def as_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "unit": self.unit,
            "runs": len(self.values),
            "median": round(self.median, 3),
            "min": round(min(self.values), 3),
            "max": round(max(self.values), 3),
            "values": [round(value, 3) for value in self.values],
            "target": self.target,
            "at_least": self.at_least,
            "met": self.is_met,
        }


def table(rows: list[Row]) -> str:
    """The rows for people, aligned."""
    lines = [("", "unit", "runs", "median", "min", "max", "target", "")]
    for row in rows:
        met = {None: "", True: "kept", False: "MISSED"}[row.is_met]
        target = "" if row.target is None else f"{'≥' if row.at_least else '≤'} {row.target:g}"
        numbers = (f"{row.median:.2f}", f"{min(row.values):.2f}", f"{max(row.values):.2f}")
        lines.append((row.what, row.unit, str(len(row.values)), *numbers, target, met))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width) for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
