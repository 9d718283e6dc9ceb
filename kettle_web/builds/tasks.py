"""Celery tasks of a build: load nothing, decide nothing, safe to run twice."""

from celery import shared_task

from kettle_web.builds import worker  # noqa: F401  (connects follower and sweeper to the worker's start)
from kettle_web.builds.aside import CALLS, FETCHES, SUBMISSIONS, Aside
from kettle_web.builds.fetch import result_fetch
from kettle_web.builds.logstore import log_seal
from kettle_web.builds.provisioning import machine_provision
from kettle_web.builds.submit import build_submit, may_take_hours

_submissions, _exchanges = Aside("submission", SUBMISSIONS), Aside("exchange", None)
_fetches, _calls = Aside("fetch", FETCHES), Aside("provisioning", CALLS)


@shared_task(name="builds.submit_build")  # type: ignore[untyped-decorator]
def submit_build(build_id: int) -> None:
    # What lasts as long as a build must not fill the room of what ends soon; the queue bounds it.
    (_exchanges if may_take_hours(build_id) else _submissions).run(build_submit, build_id)


@shared_task(name="builds.fetch_result")  # type: ignore[untyped-decorator]
def fetch_result(build_id: int) -> None:
    _fetches.run(result_fetch, build_id)


@shared_task(name="builds.seal_log")  # type: ignore[untyped-decorator]
def seal_log(build_id: int) -> None:
    log_seal(build_id)


@shared_task(name="builds.provision_machine")  # type: ignore[untyped-decorator]
def provision_machine(endpoint_id: int) -> None:
    _calls.run(machine_provision, endpoint_id)
