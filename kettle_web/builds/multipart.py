"""A build on a server of the multipart dialect: the POST and its answer, which is the result, in one go.

The connection runs in an event loop of its own thread, so that it can be given up at any moment: when the person stops following,
when the lease is lost. Its worker may die: the attempt is noted as sent, and whoever finds it says that the outcome is unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.endpoints import endpoint_async_client, endpoint_token
from kettle_web.builds.errors import LeaseLost
from kettle_web.builds.eventlog import NOTE_TYPE, Event
from kettle_web.builds.follow_store import events_append
from kettle_web.builds.leases import Lease
from kettle_web.builds.models import Build, Endpoint
from kettle_web.builds.services import build_advance
from kettle_web.builds.states import State
from kettle_web.core.blobs import Blob, blob_adopt, blob_path_local, scratch_file, scratch_folder
from kettle_web.core.disk import disk_errors, disk_require
from kettle_web.kettle_api.errors import Failed
from kettle_web.kettle_api.multipart import MultipartBody, build_multipart

MAX_RESULT_BYTES: Final = 8 * 1024**3
MOST_SECONDS: Final = 48 * 3600.0
"""Where the operator sets no limit of time: a connection is not held for ever."""
LOOK_SECONDS: Final = 0.5
"""Between two looks whether the build is still ours."""
_SENT: Final = "sent"


def multipart_exchange(build: Build, endpoint: Endpoint, lease: Lease, lost: threading.Event, *, begin: Callable[[], None]) -> Blob:
    """Send the source, wait for the result and store it. `begin` notes the attempt as sent, before anything leaves.

    Raises `KettleError`, `CoreError`; `LeaseLost` when it was given up.
    """
    disk_require(scratch_folder(), 0)
    with _source(build) as source, scratch_file() as scratch:
        body = MultipartBody(
            repo_url="" if source else build.repo_url, repo_ref=build.repo_ref, source=source, source_name=build.source_name
        )
        sink = _Hashing(scratch.file)
        begin()
        try:
            _Exchange(endpoint, body, sink).run(lost, on_sent=lambda: _is_building(build, lease))
        except Failed as error:
            # The end of its log is all that this dialect ever tells of it.
            ms = int(timezone.now().timestamp() * 1000)
            events_append(build.id, lease.owner, [Event("build", line, ms=ms) for line in error.log])
            raise
        blob = Blob(sink.digest.hexdigest(), sink.size)
        with disk_errors():
            blob_adopt(scratch, blob)
        return blob


@contextlib.contextmanager
def _source(build: Build) -> Iterator[Path | None]:
    if not build.source_sha256:
        yield None
        return
    with blob_path_local(build.source_sha256) as path:
        yield path


def _is_building(build: Build, lease: Lease) -> None:
    """All of the source has left: from here on the server builds, and says nothing until it has ended."""
    now = timezone.now()
    if not build_advance(build.id, State.BUILDING, lease_owner=lease.owner, keeps_lease=True):
        raise LeaseLost
    said = _("This server reports no progress: its answer to the submission is the finished result. It takes no nonce either.")
    events_append(build.id, lease.owner, [Event(NOTE_TYPE, said, ms=int(now.timestamp() * 1000))])
    # It was not the server that was heard: how long it is silent counts for nothing here, only how long the build takes.
    Build.objects.filter(id=build.id).update(last_heard_at=None)


class _Hashing(io.RawIOBase):
    """Writes through to a file, hashing and counting."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        with disk_errors():
            self.file.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)


class _Exchange:
    """One POST in a thread; this side looks after the lease and the database."""

    def __init__(self, endpoint: Endpoint, body: MultipartBody, sink: _Hashing) -> None:
        self.endpoint, self.body, self.sink = endpoint, body, sink
        self.token = endpoint_token(endpoint)
        self.seconds = min(settings.TIMEOUTS.build or MOST_SECONDS, MOST_SECONDS)
        self.signals: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        self.loop = asyncio.new_event_loop()
        self.task: asyncio.Task[None] | None = None
        self.thread = threading.Thread(target=self._main, name="multipart", daemon=True)

    def run(self, lost: threading.Event, *, on_sent: Callable[[], None]) -> None:
        """Wait for the end. Raises what it ended with."""
        self.thread.start()
        try:
            while True:
                try:
                    signal = self.signals.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    if lost.is_set():
                        raise LeaseLost from None
                    continue
                if signal is None:
                    return
                if isinstance(signal, BaseException):
                    raise signal
                on_sent()
        finally:
            self._end()

    def _end(self) -> None:
        with contextlib.suppress(RuntimeError):
            # The loop may have closed by itself a moment ago.
            self.loop.call_soon_threadsafe(lambda: self.task and self.task.cancel())
        self.thread.join()

    def _main(self) -> None:
        try:
            self.task = self.loop.create_task(self._exchange())
            self.loop.run_until_complete(self.task)
            self.signals.put(None)
        except BaseException as error:
            self.signals.put(error)
        finally:
            self.loop.close()

    async def _exchange(self) -> None:
        async with endpoint_async_client(self.endpoint) as client:
            await build_multipart(
                client,
                self.endpoint.base_url,
                self.body,
                cast(BinaryIO, self.sink),
                token=self.token,
                max_bytes=MAX_RESULT_BYTES,
                seconds=self.seconds,
                on_sent=lambda: self.signals.put(_SENT),
            )
