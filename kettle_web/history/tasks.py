"""Background work of the history. Safe to run twice."""

from __future__ import annotations

from celery import shared_task

from kettle_web.history.alarms.watch import build_watch


@shared_task(name="history.watch_build")  # type: ignore[untyped-decorator]
def watch_build(build_id: int) -> None:
    """Look for alarms after a report: against the build before, and against the reports before."""
    build_watch(build_id)
