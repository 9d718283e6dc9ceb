"""Sends a build to its Kettle server: one POST, its nonce stored before it leaves, never silently a second one.

1. The queue gives it a place, from a pool also a machine (`queue`, `machines`), in one transaction with the new state.
2. The attempt is noted as sent, and committed, before a byte leaves.
3. What the answer means decides: accepted; refused; certainly not arrived, so that it may be sent again; or unknown, which ends the
   build and says so. A machine that builds once is spent by all of these but the third.
After a crash at any point the rows say which of these holds; nothing is sent on a guess.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.endpoints import endpoint_client
from kettle_web.builds.errors import LeaseLost
from kettle_web.builds.health import endpoint_doubt
from kettle_web.builds.leases import Lease, lease_claim, lease_kept
from kettle_web.builds.machines import machine_release, machine_spend, perhaps_ours, perhaps_spent_by, spent_by
from kettle_web.builds.models import Attempt, Build, Endpoint
from kettle_web.builds.multipart import multipart_exchange
from kettle_web.builds.queue import queue_take
from kettle_web.builds.refusals import may_have_begun, outcome_unknown, perhaps_accepted, refusal
from kettle_web.builds.services import build_advance, build_fail, nonce_new
from kettle_web.builds.states import Fault, State
from kettle_web.core.blobs import Blob, blob_path_local
from kettle_web.core.disk import disk_errors
from kettle_web.core.errors import CoreError
from kettle_web.core.patience import database_patiently
from kettle_web.kettle_api.client import KettleClient
from kettle_web.kettle_api.errors import Failed, KettleError, Refused, Spent, Unanswered, Unreachable

logger = logging.getLogger(__name__)
TRIES = 8
BACKOFF_SECONDS = (1, 2, 4, 8, 15, 30, 60, 60)
"""Three minutes in all: long enough for a server that starts again, short enough for a person who waits."""
NOT_LET_IN = (401, 403, 404)
"""Answers of a machine whose token or address is wrong, whatever is sent to it."""

ClientFor = Callable[[Endpoint], KettleClient]


def may_take_hours(build_id: int) -> bool:
    """Whether the answer to the submission may be the finished build."""
    multipart = Q(endpoint__dialect=Endpoint.Dialect.MULTIPART) | Q(pool__machines__dialect=Endpoint.Dialect.MULTIPART)
    return Build.objects.filter(multipart, id=build_id).exists()


def build_submit(build_id: int, *, client_for: ClientFor = endpoint_client) -> None:
    """Take the build to the next state, or leave it to be tried again later. Safe to run twice, also at once."""
    lease = lease_claim(build_id, (State.QUEUED, State.SUBMITTING))
    if lease is None:
        return
    with lease_kept(lease) as lost:
        try:
            _submit(build_id, lease, lost, client_for)
        except DatabaseError:
            raise
        except Exception:
            # Whatever breaks in our own code must not leave the build here for ever, nor send it twice.
            logger.exception("The submission of build %s broke.", build_id)
            _end_broken(Build.objects.select_related("endpoint").get(id=build_id), lease)


def _submit(build_id: int, lease: Lease, lost: threading.Event, client_for: ClientFor) -> None:
    if Build.objects.filter(id=build_id, state=State.QUEUED).exists() and not queue_take(build_id, lease, now=timezone.now()):
        return
    build = Build.objects.select_related("endpoint", "pool").get(id=build_id)
    if build.state != State.SUBMITTING or build.lease_owner != lease.owner:
        return
    attempt = _attempt(build)
    if attempt is None:
        submission_lost(build, lease.owner)
        return
    _send(build, attempt, lease, lost, client_for)


def _attempt(build: Build) -> Attempt | None:
    """Give the attempt to send; None: one was sent before and its outcome was never learnt."""
    last = build.attempts.order_by("-number").first()
    if last is not None and last.outcome == Attempt.Outcome.PREPARED:
        return last
    if last is None or last.outcome == Attempt.Outcome.REFUSED:
        number = last.number + 1 if last else 1
        return Attempt.objects.create(build=build, number=number, nonce=nonce_new(), nonce_made_by="server")
    return None


def submission_lost(build: Build, lease_owner: str) -> None:
    """End a build whose request left while nobody lived to hear the answer. A machine that builds once may have taken it."""
    with transaction.atomic():
        build.attempts.filter(outcome=Attempt.Outcome.SENT).update(
            outcome=Attempt.Outcome.UNKNOWN, detail=_("the worker stopped between sending and hearing the answer")
        )
        if build.endpoint is not None:
            machine_spend(build.endpoint, perhaps_spent_by(build))
        failure = outcome_unknown(build.endpoint.name if build.endpoint else "")
        build_fail(build.id, fault=failure.fault, code=failure.code, message=failure.message, lease_owner=lease_owner)


def _end_broken(build: Build, lease: Lease) -> None:
    if build.attempts.filter(outcome=Attempt.Outcome.SENT).exists():
        submission_lost(build, lease.owner)
        return
    message = _("The submission broke on our side before anything was sent. An administrator finds the reason in the log.")
    build_fail(build.id, fault=Fault.US, code="submit.broken", message=message, lease_owner=lease.owner)


def _send(build: Build, attempt: Attempt, lease: Lease, lost: threading.Event, client_for: ClientFor) -> None:
    assert build.endpoint is not None
    outcome = Attempt.Outcome
    try:
        if build.endpoint.dialect == Endpoint.Dialect.MULTIPART:
            blob = multipart_exchange(build, build.endpoint, lease, lost, begin=lambda: _mark_sent(attempt, build, lease))
            database_patiently(lambda: _accepted_with_result(build, attempt, lease, blob))
            return
        with client_for(build.endpoint) as client:
            _mark_sent(attempt, build, lease)
            job_id = _post(client, build, attempt)
    except LeaseLost:
        # Stopped, or taken over: whoever ended it has said why. What was sent meanwhile has no known outcome.
        Attempt.objects.filter(id=attempt.id, outcome=outcome.SENT).update(outcome=outcome.UNKNOWN, detail=_("no longer waited for"))
    except Unreachable as error:
        unreached = error
        database_patiently(lambda: _unreachable(build, attempt, lease, unreached))
    except KettleError as error:
        answer = error
        database_patiently(lambda: _refused(build, attempt, lease, answer))
    except CoreError as error:
        _broken_here(build, attempt, lease, error)
    else:
        # The answer is known only here: a database that is away for a minute must not cost it.
        database_patiently(lambda: _accepted(build, attempt, lease, job_id))


def _mark_sent(attempt: Attempt, build: Build, lease: Lease) -> None:
    """Note, before a byte leaves, that it may have: after a crash nobody sends it again. Raises `LeaseLost`."""
    is_nonce_sent = build.endpoint is not None and build.endpoint.dialect == Endpoint.Dialect.JSON
    mine = Attempt.objects.filter(
        id=attempt.id, outcome=Attempt.Outcome.PREPARED, build__state=State.SUBMITTING, build__lease_owner=lease.owner
    )
    sent = Attempt.Outcome.SENT
    if not mine.update(outcome=sent, sent_at=timezone.now(), endpoint=build.endpoint, is_nonce_sent=is_nonce_sent):
        raise LeaseLost


def _post(client: KettleClient, build: Build, attempt: Attempt) -> str:
    nonce = bytes(attempt.nonce)
    if not build.source_sha256:
        return client.submit(nonce, repo_url=build.repo_url, repo_ref=build.repo_ref, source=None, source_name="")
    # The body is made on disk before anything is sent.
    with blob_path_local(build.source_sha256) as path, disk_errors():
        return client.submit(nonce, repo_url="", repo_ref="", source=path, source_name=build.source_name)


def _accepted(build: Build, attempt: Attempt, lease: Lease, job_id: str) -> None:
    with transaction.atomic():
        _mark_accepted(build, attempt)
        if not build_advance(build.id, State.BUILDING, lease_owner=lease.owner, job_id=job_id, last_heard_at=timezone.now()):
            # Stopped meanwhile: the job is known all the same.
            Build.objects.filter(id=build.id, job_id="").update(job_id=job_id)


def _accepted_with_result(build: Build, attempt: Attempt, lease: Lease, blob: Blob) -> None:
    """The answer was the finished result: there is nothing to follow and nothing to fetch."""
    with transaction.atomic():
        _mark_accepted(build, attempt)
        result: dict[str, Any] = {"result_sha256": blob.sha256_hex, "result_size": blob.size, "fetching_at": timezone.now()}
        build_advance(build.id, State.VERIFYING, lease_owner=lease.owner, **result)


def _mark_accepted(build: Build, attempt: Attempt) -> None:
    Attempt.objects.filter(id=attempt.id).update(outcome=Attempt.Outcome.ACCEPTED, answered_at=timezone.now())
    assert build.endpoint is not None
    machine_spend(build.endpoint, spent_by(build))


def _unreachable(build: Build, attempt: Attempt, lease: Lease, error: Unreachable) -> None:
    """The request was certainly not taken as a whole: it may be made again."""
    assert build.endpoint is not None
    outcome, is_cut = Attempt.Outcome, error.code == "network.reset"
    rows = Attempt.objects.filter(id=attempt.id)
    endpoint_doubt(build.endpoint, error.message)
    if is_cut and build.pool_id is not None:
        # A part of it reached the machine, the nonce perhaps: neither is used a second time.
        rows.update(outcome=outcome.REFUSED, cut_at=timezone.now(), answered_at=timezone.now(), detail=error.message)
        why = _("The connection broke while build %(uid)s was being sent to it.") % {"uid": build.uid}
        machine_spend(build.endpoint, why, goes_on_elsewhere=True)
    elif is_cut:
        rows.update(outcome=outcome.PREPARED, sent_at=None, cut_at=timezone.now(), detail=error.message)
    else:
        # Nothing left this machine: the same attempt, and its nonce, may be used again.
        rows.update(outcome=outcome.PREPARED, sent_at=None, detail=error.message)
    _again_or_fail(build, lease, error)


def _refused(build: Build, attempt: Attempt, lease: Lease, error: KettleError) -> None:
    """The server's answer is no, cannot be understood, or never came."""
    assert build.endpoint is not None
    outcome = Attempt.Outcome.UNKNOWN if may_have_begun(error) else Attempt.Outcome.REFUSED
    Attempt.objects.filter(id=attempt.id).update(outcome=outcome, answered_at=timezone.now(), detail=error.message)
    if isinstance(error, Spent):
        _spent(build, attempt, lease, error)
        return
    if isinstance(error, Failed):
        machine_spend(build.endpoint, spent_by(build))
    elif isinstance(error, Unanswered):
        machine_spend(build.endpoint, perhaps_spent_by(build))
    elif not isinstance(error, Refused) or may_have_begun(error):
        # Whether it had begun when it failed is not known.
        machine_spend(build.endpoint, _("It failed at build %(uid)s: %(said)s") % {"uid": build.uid, "said": error.message[:300]})
    elif build.pool_id is not None and error.status in NOT_LET_IN:
        # It took nothing, and will take nothing: the next build would be given this very machine.
        machine_spend(build.endpoint, _("It refused build %(uid)s: %(said)s") % {"uid": build.uid, "said": error.message[:300]})
    if error.retry and not isinstance(error, Unanswered):
        _again_or_fail(build, lease, error)
    else:
        _fail(build, lease, error)


def _spent(build: Build, attempt: Attempt, lease: Lease, error: Spent) -> None:
    """409. The next machine is taken only where it is certain that the build which this one has is not ours."""
    assert build.endpoint is not None
    earlier = perhaps_ours(build.endpoint, build, attempt)
    is_ours = earlier is not None and earlier.build_id == build.id
    why = perhaps_spent_by(earlier.build) if earlier is not None else _("It answered that it has had its one build (409).")
    machine_spend(build.endpoint, why, goes_on_elsewhere=not is_ours)
    if is_ours:
        failure = perhaps_accepted(build.endpoint.name)
        build_fail(build.id, fault=failure.fault, code=failure.code, message=failure.message, lease_owner=lease.owner)
    elif build.pool_id is not None:
        build_advance(build.id, State.QUEUED, lease_owner=lease.owner, tries=build.tries, endpoint=None)
    else:
        _fail(build, lease, error)


def _broken_here(build: Build, attempt: Attempt, lease: Lease, error: CoreError) -> None:
    """Our own disk or storage. What was sent by then, if anything, is not sent again."""
    if build.endpoint is not None and build.endpoint.dialect == Endpoint.Dialect.MULTIPART:
        Attempt.objects.filter(id=attempt.id, outcome=Attempt.Outcome.SENT).update(outcome=Attempt.Outcome.UNKNOWN, detail=error.message)
    else:
        # The stored source cannot be read: nothing was sent.
        Attempt.objects.filter(id=attempt.id).update(outcome=Attempt.Outcome.PREPARED, sent_at=None, detail=error.message)
    build_fail(build.id, fault=Fault.US, code=error.code, message=error.message, lease_owner=lease.owner)


def _again_or_fail(build: Build, lease: Lease, error: KettleError) -> None:
    if not error.retry or build.tries + 1 >= TRIES:
        _fail(build, lease, error)
        return
    tries = build.tries + 1
    asked = error.retry_after if isinstance(error, Refused) else None
    seconds = max(BACKOFF_SECONDS[tries - 1], asked or 0)
    logger.info("Build %s: %s; trying again (%s).", build.uid, error.message, tries)
    with transaction.atomic():
        if build.endpoint is not None:
            machine_release(build.endpoint, build.id)
        build_advance(
            build.id,
            State.QUEUED,
            lease_owner=lease.owner,
            tries=tries,
            next_try_at=timezone.now() + timedelta(seconds=seconds),
            dispatched_at=None,
            endpoint=None if build.pool_id is not None else build.endpoint,
        )


def _fail(build: Build, lease: Lease, error: KettleError) -> None:
    failure = refusal(error, build.endpoint.name if build.endpoint else "")
    with transaction.atomic():
        if build.endpoint is not None:
            # Nothing for a machine that is spent: this is one that certainly took nothing.
            machine_release(build.endpoint, build.id)
        build_fail(build.id, fault=failure.fault, code=failure.code, message=failure.message, lease_owner=lease.owner)
