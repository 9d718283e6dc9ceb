"""Celery tasks of a build: load nothing, decide nothing, safe to run twice."""

import threading

from celery import shared_task
from django.db import connection

from kettle_web.builds import worker  # noqa: F401  (connects follower and sweeper to the worker's start)
from kettle_web.builds.fetch import result_fetch
from kettle_web.builds.logstore import log_seal
from kettle_web.builds.provisioning import machine_provision
from kettle_web.builds.submit import build_submit, may_take_hours


@shared_task(name="builds.submit_build")  # type: ignore[untyped-decorator]
def submit_build(build_id: int) -> None:
    if may_take_hours(build_id):
        # A thread of its own: the worker's few ones are for what ends soon.
        threading.Thread(target=_submit_alone, args=(build_id,), name=f"submit-{build_id}", daemon=True).start()
        return
    build_submit(build_id)


def _submit_alone(build_id: int) -> None:
    try:
        build_submit(build_id)
    finally:
        connection.close()


@shared_task(name="builds.fetch_result")  # type: ignore[untyped-decorator]
def fetch_result(build_id: int) -> None:
    result_fetch(build_id)


@shared_task(name="builds.seal_log")  # type: ignore[untyped-decorator]
def seal_log(build_id: int) -> None:
    log_seal(build_id)


@shared_task(name="builds.provision_machine")  # type: ignore[untyped-decorator]
def provision_machine(endpoint_id: int) -> None:
    machine_provision(endpoint_id)
