"""The Kettle API over HTTP: /health, /build, /build/{id}/events, /build/{id}/result.

POST /build is answered in this order: type of the body (415), size (413), JSON (400), fields (422), nonce (400),
exactly one source (400), the single-build gate (409). Every error is a status and one plain sentence.
Each event of a stream has an `id:`, its number from 1, and `from=N` skips the first N; a client that has read event
number N continues with `from=N` and misses and repeats nothing.
"""

import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from kettle_web.builder.eventlog import EventTail
from kettle_web.builder.guard import Guard
from kettle_web.builder.jobs import JobStore
from kettle_web.builder.options import Options
from kettle_web.builder.scheduler import Scheduler
from kettle_web.builder.submission import Submission, SubmissionError, submission_read

KEEP_ALIVE_SECONDS = 15.0
POLL_SECONDS = 0.1
"""How often a follower looks for new events: below what a reader of a log notices."""
NOT_FOUND = "There is no such build.\n"


class Api:
    """The endpoints, over one store and one scheduler."""

    def __init__(self, options: Options, store: JobStore, scheduler: Scheduler) -> None:
        self._options, self._store, self._scheduler = options, store, scheduler
        self._gate = asyncio.Lock()
        self.stopping = asyncio.Event()
        """Set when the server ends: open streams are closed."""

    def application(self) -> Starlette:
        """Give the ASGI application."""
        routes = [
            Route("/health", self.health),
            Route("/build", self.build, methods=["POST"]),
            Route("/build/{job_id}/events", self.events),
            Route("/build/{job_id}/result", self.result),
        ]
        names = (self._options.host, *self._options.web_hosts)
        return Starlette(routes=routes, middleware=[Middleware(Guard, hosts=names)])

    async def health(self, request: HttpRequest) -> Response:
        """Say that the server answers."""
        return PlainTextResponse("ok")

    async def build(self, request: HttpRequest) -> Response:
        """Accept one build and give its id at once."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return PlainTextResponse("Send the request as JSON, with Content-Type: application/json.\n", 415)
        with tempfile.TemporaryDirectory(dir=self._store.incoming) as name:
            folder = Path(name)
            try:
                await self._spool(request, folder / "body")
                submission = await asyncio.to_thread(submission_read, folder / "body", folder)
                return await self._accept(submission)
            except ClientDisconnect:
                return Response(status_code=400)  # Nobody hears it; nothing was accepted.
            except SubmissionError as error:
                return PlainTextResponse(f"{error}\n", error.status)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                return PlainTextResponse("The server's disk is full.\n", 507)

    async def _spool(self, request: HttpRequest, path: Path) -> None:
        limit = self._options.max_body_bytes
        too_large = SubmissionError(413, f"The request is larger than {limit} bytes.")
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise too_large
        took = 0
        with path.open("wb") as file:
            async for piece in request.stream():
                took += len(piece)
                if took > limit:
                    raise too_large
                file.write(piece)

    async def _accept(self, submission: Submission) -> Response:
        async with self._gate:
            if self._options.single_build and not self._store.empty():
                raise SubmissionError(409, "this CVM has already accepted a build")
            job = self._store.create(submission.request, submission.archive)
        self._scheduler.submit(job)
        return JSONResponse({"job_id": job.id})

    async def events(self, request: HttpRequest) -> Response:
        """Replay a build's events and follow them to the last."""
        job = self._store.find(request.path_params["job_id"])
        if job is None:
            return PlainTextResponse(NOT_FOUND, 404)
        after = request.query_params.get("from", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            return PlainTextResponse("from must be a number of events to skip.\n", 400)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        stream = self._follow(EventTail(job.events, after=int(after)))
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _follow(self, tail: EventTail) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        spoken = clock()
        yield b": the events of one build\n\n"
        while not (tail.complete or self.stopping.is_set()):
            if events := tail.read():
                yield b"".join(b"id: %d\ndata: %s\n\n" % event for event in events)
                spoken = clock()
            elif not tail.complete:
                if clock() - spoken > KEEP_ALIVE_SECONDS:
                    yield b": still here\n\n"
                    spoken = clock()
                await asyncio.sleep(POLL_SECONDS)

    async def result(self, request: HttpRequest) -> Response:
        """Give the finished build's tarball."""
        job = self._store.find(request.path_params["job_id"])
        if job is None or not job.result.exists():
            return PlainTextResponse("There is no such build, or it has no result (yet).\n", 404)
        return FileResponse(job.result, media_type="application/gzip", filename=f"{job.id}.tar.gz")
