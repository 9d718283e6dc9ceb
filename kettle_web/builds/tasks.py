"""Celery tasks of a build: load nothing, decide nothing, safe to run twice."""

from celery import shared_task

from kettle_web.builds import worker  # noqa: F401  (connects follower and sweeper to the worker's start)
from kettle_web.builds.fetch import result_fetch
from kettle_web.builds.logstore import log_seal
from kettle_web.builds.submit import build_submit


@shared_task(name="builds.submit_build")  # type: ignore[untyped-decorator]
def submit_build(build_id: int) -> None:
    build_submit(build_id)


@shared_task(name="builds.fetch_result")  # type: ignore[untyped-decorator]
def fetch_result(build_id: int) -> None:
    result_fetch(build_id)


@shared_task(name="builds.seal_log")  # type: ignore[untyped-decorator]
def seal_log(build_id: int) -> None:
    log_seal(build_id)
