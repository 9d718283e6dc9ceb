"""What changes a build: created, moved on, failed, stopped. Every change of state goes through `build_advance`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.bells import bell_ring
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Attempt, Build, Endpoint, Pool, Upload
from kettle_web.builds.states import RUNNING, TERMINAL, Fault, State, states_before
from kettle_web.builds.uploads import upload_append, upload_create, upload_finish
from kettle_web.core.blobs import blob_open
from kettle_web.core.dispatch import enqueue

__all__ = [
    "Source",
    "build_advance",
    "build_create",
    "build_dispatch",
    "build_fail",
    "build_import_create",
    "build_retry_later",
    "build_stop",
    "build_submitted",
    "nonce_new",
    "nonce_parse",
    "upload_append",
    "upload_create",
    "upload_finish",
]

NONCE_BYTES = 16
TASKS = {
    State.QUEUED: "builds.submit_build",
    State.SUBMITTING: "builds.submit_build",
    State.FETCHING: "builds.fetch_result",
    State.VERIFYING: "verifications.verify_build",
}
"""The task that takes a build out of a state. `building` has none: the follower takes the lease."""


_BEGINNINGS = {State.BUILDING: "building_at", State.FETCHING: "fetching_at", State.VERIFYING: "verifying_at"}


@dataclass(frozen=True)
class Source:
    """An archive in storage and what the pre-flight found in it."""

    sha256_hex: str
    name: str
    size: int
    git_tree: str = ""
    lockfile_sha256: str = ""
    claimed_commit: str = ""


def nonce_new() -> bytes:
    """Give 16 random bytes that are not all zero."""
    while not any(nonce := os.urandom(NONCE_BYTES)):
        pass
    return nonce


def nonce_parse(text: str) -> bytes:
    """Give the nonce that 32 hexadecimal digits spell. Raises `BuildError`."""
    try:
        nonce = bytes.fromhex(text)
    except ValueError:
        nonce = b""
    if len(nonce) != NONCE_BYTES or len(text) != 2 * NONCE_BYTES:
        raise BuildError("nonce-form", _("The nonce must be exactly 16 bytes, written as 32 hexadecimal digits (0–9, a–f)."))
    if not any(nonce):
        raise BuildError("nonce-zero", _("A nonce of nothing but zeros proves nothing. Leave it out, or use a random one."))
    return nonce


def build_create(
    *,
    owner: User,
    endpoint: Endpoint | None = None,
    pool: Pool | None = None,
    origin: str,
    repo_url: str = "",
    repo_ref: str = "",
    resolved_commit: str = "",
    upload: Upload | None = None,
    source: Source | None = None,
    nonce: bytes | None = None,
    nonce_made_by: str = "server",
    label: str = "",
    submission_key: str = "",
    again_of: Build | None = None,
    again_way: str = "",
) -> Build:
    """Create a build with its first attempt's nonce and queue it; the same `submission_key` again gives the same build.

    It goes to `endpoint`, or to whichever machine of `pool` is free when its turn comes. `again_of`: the build that it repeats.

    Raises `BuildError` for a nonce, an upload or an endpoint that cannot be used.
    """
    if nonce is not None and (len(nonce) != NONCE_BYTES or not any(nonce)):
        raise BuildError("nonce-form", _("The nonce must be exactly 16 bytes and not all zero."))
    target_check(None if pool is not None else endpoint, pool)
    if bool(repo_url) == bool(upload or source):
        raise BuildError("source", _("Give either a repository or an archive."))
    if existing := build_submitted(owner, submission_key):
        return existing
    if upload is not None:
        source = _upload_source(upload, owner)
    if source is not None:
        dialect_check(source, endpoint, pool)
    try:
        with transaction.atomic():
            now = timezone.now()
            build = Build.objects.create(
                owner=owner,
                endpoint=None if pool is not None else endpoint,
                pool=pool,
                origin=origin,
                repo_url=repo_url,
                repo_ref=repo_ref,
                resolved_commit=resolved_commit,
                label=label,
                submission_key=submission_key,
                dispatched_at=now,
                again_of=again_of,
                again_way=again_way,
                **(_source_columns(source) if source is not None else {}),
            )
            made_by = nonce_made_by if nonce is not None else "server"
            Attempt.objects.create(build=build, number=1, nonce=nonce or nonce_new(), nonce_made_by=made_by)
            if upload is not None:
                Upload.objects.filter(id=upload.id).update(used_at=now)
            enqueue(TASKS[State.QUEUED], build.id)
    except IntegrityError:
        # The same form, sent twice at once: the other request has made the build.
        if existing := build_submitted(owner, submission_key):
            return existing
        raise
    return build


def target_check(endpoint: Endpoint | None, pool: Pool | None) -> None:
    """Raise `BuildError` where nothing can be submitted to this server or pool."""
    if (endpoint is None) is (pool is None):
        raise BuildError("endpoint-none", _("Choose a Kettle server."))
    if (pool is not None and not pool.is_enabled) or (endpoint is not None and (not endpoint.is_enabled or endpoint.pool_id)):
        raise BuildError("endpoint-off", _("This Kettle server is switched off. Choose another one."))
    if endpoint is not None and (endpoint.spent_at or endpoint.leased_build_id):
        raise BuildError("endpoint-spent", _("This machine builds once, and has its build. Choose another one."))


def dialect_check(source: Source, endpoint: Endpoint | None, pool: Pool | None) -> None:
    """Raise `BuildError` for an archive that servers of this dialect do not take."""
    place = pool or endpoint
    if place is None or place.dialect != Endpoint.Dialect.MULTIPART:
        return
    with blob_open(source.sha256_hex) as file:
        if file.read(4) != b"PK\x03\x04":
            raise BuildError(
                "source-not-zip", _("This Kettle server takes ZIP archives only. Pack the source as a ZIP, or choose another.")
            )


def build_submitted(owner: User, submission_key: str) -> Build | None:
    """Give the build that a form with this key has made already."""
    return Build.objects.filter(owner=owner, submission_key=submission_key).first() if submission_key else None


def _source_columns(source: Source) -> dict[str, Any]:
    return {
        "source_sha256": source.sha256_hex,
        "source_name": source.name,
        "source_size": source.size,
        "source_git_tree": source.git_tree,
        "source_lockfile_sha256": source.lockfile_sha256,
        "source_claimed_commit": source.claimed_commit,
    }


def _upload_source(upload: Upload, owner: User) -> Source:
    if upload.owner_id != owner.pk:
        raise BuildError("upload-missing", _("There is no such upload."), status=404)
    if not upload.sha256:
        raise BuildError("upload-unfinished", _("The upload is not complete yet. Wait until it is, then submit again."))
    found = upload.inspection or {}
    return Source(
        sha256_hex=upload.sha256,
        name=upload.name,
        size=upload.size,
        git_tree=str(found.get("git_tree") or ""),
        lockfile_sha256=str(found.get("lockfile_sha256") or ""),
        claimed_commit=str(found.get("head_commit") or ""),
    )


def build_import_create(*, owner: User, label: str = "", submission_key: str = "", **fields: Any) -> Build:
    """Create a build for an imported bundle, waiting for its verification. `fields` are columns of the stored
    documents.

    The caller enqueues or makes the verification; should it not get there, the sweeper does.
    """
    return Build.objects.create(
        owner=owner,
        origin=Build.Origin.IMPORT,
        label=label,
        submission_key=submission_key,
        state=State.VERIFYING,
        dispatched_at=timezone.now(),
        verifying_at=timezone.now(),
        **fields,
    )


def build_advance(build_id: int, to: State, *, lease_owner: str | None = None, keeps_lease: bool = False, **fields: Any) -> bool:
    """Move a build to `to`, set `fields` with it, and queue the task of the new state.

    False, and nothing is changed, when its present state does not lead there or, with `lease_owner`, the lease is lost.
    `keeps_lease`: who holds it goes on with the build in its new state.
    """
    now = timezone.now()
    changes: dict[str, Any] = {"state_since": now, "tries": 0, "next_try_at": None, "dispatched_at": now, **fields}
    if to is not State.SUBMITTING and not keeps_lease:
        # A submission keeps the lease it was claimed with; every other state is taken up by someone else.
        changes |= {"lease_owner": "", "lease_until": None}
    if to in TERMINAL:
        changes["finished_at"] = now
    if to in _BEGINNINGS:
        changes[_BEGINNINGS[to]] = now
    rows = Build.objects.filter(id=build_id, state__in=states_before(to))
    if lease_owner is not None:
        rows = rows.filter(lease_owner=lease_owner)
    with transaction.atomic():
        if not rows.update(state=to, **changes):
            return False
        if to in TASKS and to is not State.SUBMITTING and not changes["next_try_at"]:
            enqueue(TASKS[to], build_id)
        if to in TERMINAL and to is not State.DONE:
            # It gets no report, and so nothing that would have let search know of it.
            enqueue("verifications.index_build", build_id)
        transaction.on_commit(lambda: bell_ring(build_id), robust=True)
    return True


def build_fail(build_id: int, *, fault: Fault, code: str, message: str, lease_owner: str | None = None) -> bool:
    """End a build as failed, saying whose fault it was; False when it has ended already or the lease is lost."""
    return build_advance(
        build_id,
        State.FAILED,
        lease_owner=lease_owner,
        fault=fault,
        failure_code=code[:60],
        failure_message=message,
    )


def build_retry_later(build_id: int, *, lease_owner: str, seconds: float, tries: int) -> bool:
    """Note a failed try and let go of the build for `seconds`; the sweeper queues it again."""
    return bool(
        Build.objects.filter(id=build_id, lease_owner=lease_owner, state__in=RUNNING).update(
            tries=tries,
            next_try_at=timezone.now() + timedelta(seconds=seconds),
            lease_owner="",
            lease_until=None,
            dispatched_at=None,
        )
    )


def build_dispatch(build: Build) -> None:
    """Queue the task of a build's present state once more."""
    state = State(build.state)
    if state in TASKS:
        enqueue(TASKS[state], build.id)


def build_stop(build: Build) -> bool:
    """Stop following a build. The Kettle API has no cancel: the server may finish it all the same; one that waits in line is not sent."""
    with transaction.atomic():
        # From the line it can only be sent after this has been decided, and then it is not: `submit._mark_sent`.
        is_waiting = Build.objects.select_for_update().filter(id=build.id, state=State.QUEUED).exists()
        said = _("This build was taken out of the line. Nothing of it was sent to a Kettle server.")
        if not is_waiting:
            said = _("We stopped following this build. The Kettle server was not told, and may finish it.")
        return build_advance(build.id, State.ABANDONED, failure_code="withdrawn" if is_waiting else "stopped", failure_message=said)
