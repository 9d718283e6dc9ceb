"""Duration and size of a project's builds over time."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Final

from django.utils.translation import gettext as _

from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.core.formats import day_text, duration_text, size_text
from kettle_web.core.plots import Bar, bars_svg
from kettle_web.core.visible import visible
from kettle_web.history.projects.fragments import Plot, Sample

SHOWN: Final = 60
"""Builds in a plot: on a phone each is then some five pixels wide."""


def samples(builds: Iterable[Build]) -> tuple[Sample, ...]:
    """The newest builds that came to an end with a report, newest first."""
    done = [build for build in builds if build.state == State.DONE and getattr(build, "index", None) is not None]
    return tuple(
        Sample(
            uid=build.uid,
            ref=build.repo_ref,
            created_at=build.created_at,
            seconds=build.index.duration_ms / 1000 if build.index.duration_ms is not None else None,
            bytes=build.index.artifact_bytes,
            verdict=build.verdict,
        )
        for build in done[:SHOWN]
    )


def plots(found: tuple[Sample, ...]) -> tuple[Plot, ...]:
    """Both plots, from the oldest on the left to the newest; a plot without a single number is left out."""
    made = []
    durations = [sample.seconds for sample in reversed(found) if sample.seconds is not None]
    if durations:
        summary = _("Latest %(latest)s, half of them up to %(median)s, longest %(most)s.") % {
            "latest": duration_text(durations[-1]),
            "median": duration_text(median(durations)),
            "most": duration_text(max(durations)),
        }
        bars = [_bar(sample, sample.seconds, duration_text(sample.seconds)) for sample in reversed(found)]
        made.append(Plot(_("Duration, as the provenance claims it"), bars_svg(bars, label=summary), summary))
    sizes = [sample.bytes for sample in reversed(found) if sample.bytes is not None]
    if sizes:
        summary = _("Latest %(latest)s, half of them up to %(median)s, largest %(most)s.") % {
            "latest": size_text(sizes[-1]),
            "median": size_text(median(sizes)),
            "most": size_text(max(sizes)),
        }
        bars = [_bar(sample, sample.bytes, size_text(sample.bytes)) for sample in reversed(found)]
        made.append(Plot(_("Size of all files"), bars_svg(bars, label=summary), summary))
    return tuple(made)


def _bar(sample: Sample, value: float | None, text: str) -> Bar:
    values = {"day": day_text(sample.created_at), "ref": visible(sample.ref), "value": text or _("not known")}
    if sample.verdict == "failed":
        words = _("%(day)s, %(ref)s, verdict failed: %(value)s") if sample.ref else _("%(day)s, verdict failed: %(value)s")
        return Bar(value, words % values, kind="failed")
    words = _("%(day)s, %(ref)s: %(value)s") if sample.ref else _("%(day)s: %(value)s")
    return Bar(value, words % values)
