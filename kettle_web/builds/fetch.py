"""Brings a finished build's result into storage: streamed, hashed as it comes, under caps."""

from __future__ import annotations

import hashlib
import io
import logging
from typing import Any, BinaryIO, cast

from django.utils.translation import gettext as _

from kettle_web.builds.endpoints import endpoint_client
from kettle_web.builds.errors import LeaseLost
from kettle_web.builds.leases import Lease, lease_claim, lease_kept
from kettle_web.builds.models import Build
from kettle_web.builds.services import build_advance, build_fail, build_retry_later
from kettle_web.builds.states import Fault, State
from kettle_web.builds.submit import BACKOFF_SECONDS, ClientFor
from kettle_web.core.blobs import Blob, blob_adopt, scratch_file, scratch_folder
from kettle_web.core.disk import disk_errors, disk_require
from kettle_web.core.errors import CoreError, DiskFull
from kettle_web.core.patience import OUTAGE, database_patiently
from kettle_web.kettle_api.errors import CutOff, KettleError, NotFound, Unreachable

logger = logging.getLogger(__name__)
MAX_RESULT_BYTES = 8 * 1024**3
"""Artifacts may be gigabytes; without a bound a server could fill the disk."""
TRIES = 6
NETWORK_TRIES = 10
"""Where the server cannot be reached or our disk is full: five minutes of pauses, and what the downloads themselves take. The result
is there all the while; `settings.TIMEOUTS.fetch` bounds the whole.
"""
NOT_FOUND_TRIES = 3
"""A result may appear a moment after `complete`; then its absence is the server's last word."""


class _Hashing(io.RawIOBase):
    """Writes through to a file, hashing and counting."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest, self.size = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with disk_errors():
            self.file.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)


def result_fetch(build_id: int, *, client_for: ClientFor = endpoint_client) -> None:
    """Download the result and go on to its verification, or leave it to be tried again later. Safe to run twice."""
    lease = lease_claim(build_id, (State.FETCHING,))
    if lease is None:
        return
    with lease_kept(lease) as lost:
        build = Build.objects.select_related("endpoint").get(id=build_id)
        assert build.endpoint is not None

        def check(received: int, total: int | None) -> None:
            if lost.is_set():
                raise LeaseLost

        try:
            disk_require(scratch_folder(), 0)
            with scratch_file() as scratch, client_for(build.endpoint) as client:
                sink = _Hashing(scratch.file)
                client.result_download(build.job_id, cast(BinaryIO, sink), max_bytes=MAX_RESULT_BYTES, on_progress=check)
                blob = Blob(sink.digest.hexdigest(), sink.size)
                with disk_errors():
                    blob_adopt(scratch, blob)
        except LeaseLost:
            logger.info("Build %s is no longer ours to fetch.", build.uid)
        except KettleError as error:
            _again_or_fail(build, lease, error)
        except DiskFull as error:
            _again_when_there_is_room(build, lease, error)
        except CoreError as error:
            build_fail(build.id, fault=Fault.US, code=error.code, message=error.message, lease_owner=lease.owner)
        except OUTAGE:
            # The lease runs out, and whoever takes it next begins anew.
            raise
        except Exception:
            # Whatever breaks in our own code must not leave the build here for ever, nor lose its result at once.
            logger.exception("Fetching the result of build %s broke.", build.uid)
            _again_or_broken(build, lease)
        else:
            columns: dict[str, Any] = {"result_sha256": blob.sha256_hex, "result_size": blob.size}
            # Gigabytes may have come: a database that is away for a minute must not cost them.
            database_patiently(lambda: build_advance(build.id, State.VERIFYING, lease_owner=lease.owner, **columns))


def _again_or_fail(build: Build, lease: Lease, error: KettleError) -> None:
    missing = isinstance(error, NotFound)
    tries = build.tries + 1
    most = NOT_FOUND_TRIES if missing else NETWORK_TRIES if isinstance(error, Unreachable | CutOff) else TRIES
    if (error.retry or missing) and tries < most:
        logger.info("Build %s: the result: %s; trying again (%s).", build.uid, error.message, tries)
        _later(build, lease, tries)
        return
    if missing:
        code = "result-missing"
        message = _("The server says that the build succeeded, but it has no result to download.")
    else:
        code = error.code
        message = _("The result could not be downloaded: %(said)s") % {"said": error.message[:500]}
    build_fail(build.id, fault=Fault(error.fault), code=code, message=message, lease_owner=lease.owner)


def _later(build: Build, lease: Lease, tries: int) -> None:
    seconds = BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS)) - 1]
    build_retry_later(build.id, lease_owner=lease.owner, seconds=seconds, tries=tries)


def _again_when_there_is_room(build: Build, lease: Lease, error: DiskFull) -> None:
    tries = build.tries + 1
    if tries < NETWORK_TRIES:
        logger.warning("Build %s: there is no room for its result; trying again (%s).", build.uid, tries)
        _later(build, lease, tries)
        return
    build_fail(build.id, fault=Fault.US, code=error.code, message=error.message, lease_owner=lease.owner)


def _again_or_broken(build: Build, lease: Lease) -> None:
    tries = build.tries + 1
    if tries < TRIES:
        _later(build, lease, tries)
        return
    message = _("Fetching the result broke on our side. An administrator finds the reason in the log.")
    build_fail(build.id, fault=Fault.US, code="fetch.broken", message=message, lease_owner=lease.owner)
