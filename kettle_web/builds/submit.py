"""Sends a build to its Kettle server: one POST, its nonce stored before it leaves, never silently a second one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.endpoints import endpoint_client
from kettle_web.builds.leases import Lease, lease_claim, lease_kept
from kettle_web.builds.models import Attempt, Build, Endpoint
from kettle_web.builds.refusals import outcome_unknown, refusal
from kettle_web.builds.services import build_advance, build_fail, nonce_new
from kettle_web.builds.states import Fault, State
from kettle_web.core.blobs import blob_path_local
from kettle_web.core.disk import disk_errors
from kettle_web.core.errors import CoreError
from kettle_web.kettle_api.client import KettleClient
from kettle_web.kettle_api.errors import KettleError, Refused, Unanswered, Unreachable

logger = logging.getLogger(__name__)
TRIES = 8
BACKOFF_SECONDS = (1, 2, 4, 8, 15, 30, 60, 60)
"""Three minutes in all: long enough for a server that starts again, short enough for a person who waits."""

ClientFor = Callable[[Endpoint], KettleClient]


def build_submit(build_id: int, *, client_for: ClientFor = endpoint_client) -> None:
    """Take the build to the next state, or leave it to be tried again later. Safe to run twice, also at once."""
    lease = lease_claim(build_id, (State.QUEUED, State.SUBMITTING))
    if lease is None:
        return
    with lease_kept(lease):
        try:
            _submit(build_id, lease, client_for)
        except DatabaseError:
            raise
        except Exception:
            # Whatever breaks in our own code must not leave the build here for ever, nor send it twice.
            logger.exception("The submission of build %s broke.", build_id)
            _end_broken(Build.objects.select_related("endpoint").get(id=build_id), lease)


def _submit(build_id: int, lease: Lease, client_for: ClientFor) -> None:
    build = Build.objects.select_related("endpoint").get(id=build_id)
    tries = build.tries
    if build.state == State.QUEUED and not build_advance(build_id, State.SUBMITTING, lease_owner=lease.owner, tries=tries):
        return
    attempt = _attempt(build)
    if attempt is None:
        _end_unknown(build, lease)
        return
    _send(build, attempt, lease, client_for)


def _attempt(build: Build) -> Attempt | None:
    """Give the attempt to send; None: one was sent before and its outcome was never learnt."""
    last = build.attempts.order_by("-number").first()
    if last is not None and last.outcome == Attempt.Outcome.PREPARED:
        return last
    if last is None or last.outcome == Attempt.Outcome.REFUSED:
        number = last.number + 1 if last else 1
        return Attempt.objects.create(build=build, number=number, nonce=nonce_new(), nonce_made_by="server")
    return None


def _end_unknown(build: Build, lease: Lease) -> None:
    with transaction.atomic():
        build.attempts.filter(outcome=Attempt.Outcome.SENT).update(
            outcome=Attempt.Outcome.UNKNOWN, detail=_("the worker stopped between sending and hearing the answer")
        )
        failure = outcome_unknown(build.endpoint.name if build.endpoint else "")
        build_fail(build.id, fault=failure.fault, code=failure.code, message=failure.message, lease_owner=lease.owner)


def _end_broken(build: Build, lease: Lease) -> None:
    if build.attempts.filter(outcome=Attempt.Outcome.SENT).exists():
        _end_unknown(build, lease)
        return
    message = _("The submission broke on our side before anything was sent. An administrator finds the reason in the log.")
    build_fail(build.id, fault=Fault.US, code="submit.broken", message=message, lease_owner=lease.owner)


def _send(build: Build, attempt: Attempt, lease: Lease, client_for: ClientFor) -> None:
    assert build.endpoint is not None
    outcome = Attempt.Outcome
    try:
        with client_for(build.endpoint) as client:
            # Committed before a byte leaves: after a crash the row says «sent», and nobody sends it again.
            sent = Attempt.objects.filter(id=attempt.id, outcome=outcome.PREPARED).update(outcome=outcome.SENT, sent_at=timezone.now())
            if not sent:
                return
            job_id = _post(client, build, attempt)
    except Unreachable as error:
        # Nothing left this machine: the same attempt, and its nonce, may be used again.
        Attempt.objects.filter(id=attempt.id).update(outcome=outcome.PREPARED, sent_at=None, detail=error.message)
        _again_or_fail(build, lease, error)
    except KettleError as error:
        unknown = isinstance(error, Unanswered)
        Attempt.objects.filter(id=attempt.id).update(
            outcome=outcome.UNKNOWN if unknown else outcome.REFUSED, answered_at=timezone.now(), detail=error.message
        )
        if error.retry and not unknown:
            _again_or_fail(build, lease, error)
        else:
            _fail(build, lease, error)
    except CoreError as error:
        # The stored source cannot be read: nothing was sent.
        Attempt.objects.filter(id=attempt.id).update(outcome=outcome.PREPARED, sent_at=None, detail=error.message)
        build_fail(build.id, fault=Fault.US, code=error.code, message=error.message, lease_owner=lease.owner)
    else:
        with transaction.atomic():
            Attempt.objects.filter(id=attempt.id).update(outcome=outcome.ACCEPTED, answered_at=timezone.now())
            if not build_advance(build.id, State.BUILDING, lease_owner=lease.owner, job_id=job_id, last_heard_at=timezone.now()):
                # Stopped meanwhile: the job is known all the same.
                Build.objects.filter(id=build.id, job_id="").update(job_id=job_id)


def _post(client: KettleClient, build: Build, attempt: Attempt) -> str:
    nonce = bytes(attempt.nonce)
    if not build.source_sha256:
        return client.submit(nonce, repo_url=build.repo_url, repo_ref=build.repo_ref, source=None, source_name="")
    # The body is made on disk before anything is sent.
    with blob_path_local(build.source_sha256) as path, disk_errors():
        return client.submit(nonce, repo_url="", repo_ref="", source=path, source_name=build.source_name)


def _again_or_fail(build: Build, lease: Lease, error: KettleError) -> None:
    if not error.retry or build.tries + 1 >= TRIES:
        _fail(build, lease, error)
        return
    tries = build.tries + 1
    asked = error.retry_after if isinstance(error, Refused) else None
    seconds = max(BACKOFF_SECONDS[tries - 1], asked or 0)
    logger.info("Build %s: %s; trying again (%s).", build.uid, error.message, tries)
    build_advance(
        build.id,
        State.QUEUED,
        lease_owner=lease.owner,
        tries=tries,
        next_try_at=timezone.now() + timedelta(seconds=seconds),
        dispatched_at=None,
    )


def _fail(build: Build, lease: Lease, error: KettleError) -> None:
    failure = refusal(error, build.endpoint.name if build.endpoint else "")
    build_fail(build.id, fault=failure.fault, code=failure.code, message=failure.message, lease_owner=lease.owner)
