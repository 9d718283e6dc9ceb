"""Builds by day and how long they took, as two small pictures: bars on a grid of whole units, each a link to its days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kettle_web.core.formats import day_text, duration_text
from kettle_web.history.asked import Asked
from kettle_web.history.days import Day
from kettle_web.history.durations import median_seconds
from kettle_web.history.filters import DATES, Filter
from kettle_web.history.fragments import Bar, Plot

WIDTH: Final = 600
HEIGHT: Final = 96
GROUND: Final = 92
"""Where bars stand; below it is the line."""
HEADROOM: Final = 18
"""Above the longest bar, for its label."""
BARS_MAX: Final = 45
BAR_WIDEST: Final = 40
"""A bar is a bar even where there are only one or two."""
GAP: Final = 2


@dataclass(frozen=True)
class Period:
    """Some days on end, counted together."""

    first: date
    last: date
    day: Day

    @property
    def name(self) -> str:
        if self.first == self.last:
            return day_text(self.first)
        return _("%(first)s to %(last)s") % {"first": day_text(self.first), "last": day_text(self.last)}


def periods(days: Mapping[date, Day], *, first: date, last: date) -> list[Period]:
    """Cut the time from `first` to `last` into at most `BARS_MAX` equal periods of whole days, weeks or more."""
    total = (last - first).days + 1
    length = 1 if total <= BARS_MAX else 7 * -(-total // (7 * BARS_MAX))
    found = []
    begin = first
    while begin <= last:
        end = min(last, begin + timedelta(days=length - 1))
        together = Day()
        for offset in range((end - begin).days + 1):
            if day := days.get(begin + timedelta(days=offset)):
                together.join(day)
        found.append(Period(begin, end, together))
        begin = end + timedelta(days=1)
    return found


def plots(found: list[Period], asked: Asked, path: str) -> tuple[Plot, ...]:
    """Give the two plots; none where there is nothing to see."""
    if not any(period.day.builds for period in found):
        return ()
    return (_builds(found, asked, path), _durations(found, asked, path))


def _builds(found: list[Period], asked: Asked, path: str) -> Plot:
    most = max(found, key=lambda period: period.day.builds)
    total, failed = sum(period.day.builds for period in found), sum(period.day.failed for period in found)
    first, last = day_text(found[0].first), day_text(found[-1].last)
    words = {"total": total, "failed": failed, "first": first, "last": last}
    summary = _("%(total)d builds from %(first)s to %(last)s, of which %(failed)d failed.") % words
    busiest = {"period": most.name, "count": most.day.builds}
    summary += " " + _("The most: %(count)d, %(period)s.") % busiest
    bars = [
        _bar(
            place,
            period,
            share=period.day.builds / most.day.builds,
            part=period.day.failed / most.day.builds,
            said=_("%(count)d builds, %(failed)d failed") % {"count": period.day.builds, "failed": period.day.failed},
            figures=(str(period.day.builds), str(period.day.failed)),
            url=_url(asked, path, period),
            count=len(found),
        )
        for place, period in enumerate(found)
    ]
    label = ngettext("%(count)d build", "%(count)d builds", most.day.builds) % {"count": most.day.builds}
    return _plot(_("Builds"), summary, (_("Builds"), _("Failed")), bars, label, found.index(most), found, part=_("failed"))


def _durations(found: list[Period], asked: Asked, path: str) -> Plot:
    medians = [median_seconds(period.day.buckets) for period in found]
    longest = max((value for value in medians if value is not None), default=0.0)
    place_longest = medians.index(longest) if longest else 0
    words = {"longest": duration_text(longest), "period": found[place_longest].name}
    summary = _("The median duration was longest %(period)s: about %(longest)s.") % words if longest else _("No build has ended yet.")
    bars = []
    for place, (period, median) in enumerate(zip(found, medians, strict=True)):
        text = _("about %(time)s") % {"time": duration_text(median)} if median is not None else _("none ended")
        share = (median or 0) / longest if longest else 0
        bars.append(_bar(place, period, share=share, part=0, said=text, figures=(text,), url=_url(asked, path, period), count=len(found)))
    label = _("about %(time)s") % {"time": duration_text(longest)} if longest else ""
    return _plot(_("Median duration"), summary, (_("Time"),), bars, label, place_longest, found)


def _bar(place: int, period: Period, *, share: float, part: float, said: str, figures: tuple[str, ...], url: str, count: int) -> Bar:
    left, right = place * WIDTH // count, (place + 1) * WIDTH // count
    width = min(BAR_WIDEST, max(1, right - left - GAP))
    room = GROUND - HEADROOM
    height = max(2, round(share * room)) if share else 0
    part_height = min(height, max(2, round(part * room))) if part else 0
    title = _("%(period)s: %(figures)s") % {"period": period.name, "figures": said}
    return Bar(
        x=(left + right - width) // 2,
        width=width,
        y=GROUND - height,
        height=height,
        part_y=GROUND - part_height,
        part_height=part_height,
        title=title,
        period=period.name,
        figures=figures,
        url=url,
    )


def _url(asked: Asked, path: str, period: Period) -> str:
    kept = [item for item in asked.filters.items if item.name not in DATES]
    bounds = [Filter("after", period.first.isoformat()), Filter("before", (period.last + timedelta(days=1)).isoformat())]
    return asked.url(path, filters=(*kept, *bounds))


def _plot(
    title: str, summary: str, columns: tuple[str, ...], bars: list[Bar], label: str, top: int, found: list[Period], part: str = ""
) -> Plot:
    middle = bars[top].x + bars[top].width // 2
    anchor = "start" if middle < WIDTH // 5 else "end" if middle > WIDTH * 4 // 5 else "middle"
    return Plot(
        title=title,
        summary=summary,
        columns=columns,
        bars=tuple(bars),
        width=WIDTH,
        height=HEIGHT,
        top_label=label,
        top_x=middle if anchor == "middle" else 0 if anchor == "start" else WIDTH,
        top_anchor=anchor,
        first_label=day_text(found[0].first),
        last_label=day_text(found[-1].last),
        part_label=part,
    )
