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
    reference: float | None = None
    """What the same was measured to be, in the same run, for the thing that it is compared with; in the same unit."""
    reference_name: str = ""
    """What that thing is: «curl on the builder's own stream»."""
    percentile: float | None = None
    """The promise is about this part of all values (95.0) and not about the worst one."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether even the worst run keeps the promise; None: there is none."""
        if self.target is None:
            return None
        if self.percentile is not None:
            return self.value >= self.target if self.at_least else self.value <= self.target
        return min(self.values) >= self.target if self.at_least else max(self.values) <= self.target

    @property
    def value(self) -> float:
        """The figure itself: the median, or the percentile that was asked for."""
        if self.percentile is None:
            return self.median
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * self.percentile / 100))]

    @property
    def ratio(self) -> float | None:
        """The figure over its reference; a figure that is a ratio already is its own."""
        if self.unit == "×":
            return self.value
        return self.value / self.reference if self.reference else None

    def as_json(self) -> dict[str, Any]:
        return {
            "value": round(self.value, 3),
            "unit": self.unit,
            "reference": None if self.reference is None else round(self.reference, 3),
            "reference_name": self.reference_name,
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "target": self.target,
            "at_least": self.at_least,
            "met": self.is_met,
            "runs": len(self.values),
            "min": round(min(self.values), 3),
            "max": round(max(self.values), 3),
        }


def document(rows: list[Row]) -> dict[str, Any]:
    """One object for a machine: each figure by its name."""
    return {row.what: row.as_json() for row in rows}


def table(rows: list[Row]) -> str:
    """The rows for people, aligned."""
    lines = [("", "unit", "runs", "value", "min", "max", "reference", "ratio", "target", "")]
    for row in rows:
        met = {None: "", True: "kept", False: "MISSED"}[row.is_met]
        target = "" if row.target is None else f"{'≥' if row.at_least else '≤'} {row.target:g}"
        numbers = (f"{row.value:.2f}", f"{min(row.values):.2f}", f"{max(row.values):.2f}")
        against = ("" if row.reference is None else f"{row.reference:.2f}", "" if row.ratio is None else f"{row.ratio:.2f}")
        lines.append((row.what, row.unit, str(len(row.values)), *numbers, *against, target, met))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width) for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
