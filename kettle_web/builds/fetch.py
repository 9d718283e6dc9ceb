"""Brings a finished build's result into storage: streamed, hashed as it comes, under caps."""

from __future__ import annotations

import hashlib
import io
import logging
from typing import Any, BinaryIO, cast

from django.db import DatabaseError
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
from kettle_web.core.errors import CoreError
from kettle_web.kettle_api.errors import KettleError, NotFound

logger = logging.getLogger(__name__)
MAX_RESULT_BYTES = 8 * 1024**3
"""Artifacts may be gigabytes; without a bound a server could fill the disk."""
TRIES = 6
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
        except CoreError as error:
            build_fail(build.id, fault=Fault.US, code=error.code, message=error.message, lease_owner=lease.owner)
        except DatabaseError:
            raise
        except Exception:
            # Whatever breaks in our own code must not leave the build here for ever, nor lose its result at once.
            logger.exception("Fetching the result of build %s broke.", build.uid)
            _again_or_broken(build, lease)
        else:
            build_advance(
                build.id,
                State.VERIFYING,
                lease_owner=lease.owner,
                result_sha256=blob.sha256_hex,
                result_size=blob.size,
            )


def _again_or_fail(build: Build, lease: Lease, error: KettleError) -> None:
    missing = isinstance(error, NotFound)
    tries = build.tries + 1
    if (error.retry or missing) and tries < (NOT_FOUND_TRIES if missing else TRIES):
        logger.info("Build %s: the result: %s; trying again (%s).", build.uid, error.message, tries)
        build_retry_later(build.id, lease_owner=lease.owner, seconds=BACKOFF_SECONDS[tries - 1], tries=tries)
        return
    if missing:
        code = "result-missing"
        message = _("The server says that the build succeeded, but it has no result to download.")
    else:
        code = error.code
        message = _("The result could not be downloaded: %(said)s") % {"said": error.message[:500]}
    build_fail(build.id, fault=Fault(error.fault), code=code, message=message, lease_owner=lease.owner)


def _again_or_broken(build: Build, lease: Lease) -> None:
    tries = build.tries + 1
    if tries < TRIES:
        build_retry_later(build.id, lease_owner=lease.owner, seconds=BACKOFF_SECONDS[tries - 1], tries=tries)
        return
    message = _("Fetching the result broke on our side. An administrator finds the reason in the log.")
    build_fail(build.id, fault=Fault.US, code="fetch.broken", message=message, lease_owner=lease.owner)
