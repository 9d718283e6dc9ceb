"""The Kettle API over HTTP: /health, /build, /build/{id}/events, /build/{id}/result.

POST /build takes two dialects. JSON is answered with the job's id at once, in this order: type of the body (415),
size (413), JSON (400), fields (422), nonce (400), exactly one source (400), the single-build gate (409); every error is
a status and one plain sentence. A multipart form is answered with the finished tarball, or with an error as JSON.
Each event of a stream has an `id:`, its number from 1, and `from=N` skips the first N; a client that has read event
number N continues with `from=N` (or `Last-Event-ID: N`, as a browser's EventSource does) and misses and repeats nothing.
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

from kettle_web.builder.eventlog import EventTail, log_end
from kettle_web.builder.form import FormError, FormReader
from kettle_web.builder.guard import Guard
from kettle_web.builder.jobs import Job, JobStore
from kettle_web.builder.options import Options
from kettle_web.builder.scheduler import Scheduler
from kettle_web.builder.submission import Submission, SubmissionError, submission_of_form, submission_read

KEEP_ALIVE_SECONDS = 15.0
POLL_SECONDS = 0.1
"""How often a follower looks for new events: below what a reader of a log notices."""
NOT_FOUND = "There is no such build.\n"
BODY_IDLE_SECONDS = 120.0
"""How long a body may pause: a client that has gone without a word must not hold its half request for ever."""
JSON, FORM = "application/json", "multipart/form-data"
LOG_LINES = 40
"""Of the log's end in the answer to a form whose build failed."""
STATUS_OF_ERROR = {
    **dict.fromkeys(("SourceError", "LockfileMissing", "BuildFailed", "LimitExceeded"), 422),
    "ToolchainMissing": 501,
    "Interrupted": 503,
    "Timeout": 504,
}
"""Of a failed build, for a form; every other failure is the server's own: 500."""


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
        """Accept one build: its id at once for JSON, the finished tarball for a form."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (JSON, FORM):
            return PlainTextResponse(f"Send the request as JSON (Content-Type: {JSON}) or as a form ({FORM}).\n", 415)
        with tempfile.TemporaryDirectory(dir=self._store.incoming) as name:
            try:
                job = await self._accept(await (self._form if kind == FORM else self._json)(request, Path(name)))
            except ClientDisconnect:
                return Response(status_code=400)  # Nobody hears it; nothing was accepted.
            except SubmissionError as error:
                return _refused(str(error), error.status, form=kind == FORM)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                return _refused("The server's disk is full.", 507, form=kind == FORM)
        return await self._finished(request, job) if kind == FORM else JSONResponse({"job_id": job.id})

    async def _json(self, request: HttpRequest, folder: Path) -> Submission:
        with (folder / "body").open("wb") as file:
            async for piece in self._body(request):
                file.write(piece)
        return await asyncio.to_thread(submission_read, folder / "body", folder)

    async def _form(self, request: HttpRequest, folder: Path) -> Submission:
        try:
            form = FormReader(request.headers["content-type"], folder / "archive")
            try:
                async for piece in self._body(request):
                    form.feed(piece)
                form.finish()
            finally:
                form.close()
        except FormError as error:
            raise SubmissionError(400, str(error)) from error
        return submission_of_form(form, folder / "archive")

    async def _body(self, request: HttpRequest) -> AsyncIterator[bytes]:
        """Give the body as it comes, never more than is allowed, and nothing of one that says it is longer."""
        limit = self._options.max_body_bytes
        too_large = SubmissionError(413, f"The request is larger than {limit} bytes.")
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise too_large
        took = 0
        pieces = aiter(request.stream())
        while True:
            try:
                piece = await asyncio.wait_for(anext(pieces), BODY_IDLE_SECONDS)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise SubmissionError(408, f"Nothing came for {BODY_IDLE_SECONDS:g} seconds; send the request again.") from error
            took += len(piece)
            if took > limit:
                raise too_large
            yield piece

    async def _accept(self, submission: Submission) -> Job:
        async with self._gate:
            if self._options.single_build and not self._store.empty():
                raise SubmissionError(409, "this CVM has already accepted a build")
            job = self._store.create(submission.request, submission.archive)
        self._scheduler.submit(job)
        return job

    async def _finished(self, request: HttpRequest, job: Job) -> Response:
        """Wait for the build's end and give its tarball, or its error. A client that leaves does not end the build."""
        waits = [asyncio.create_task(one) for one in (self._scheduler.ended(job), self.stopping.wait(), _left(request))]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        headers = {"X-Kettle-Job-Id": job.id, "X-Kettle-Nonce": job.request().nonce_hex, "Cache-Control": "no-store"}
        last = log_end(job.events)
        outcome = last[-1].get("result") if last else None
        if outcome is None:
            words = {"error": "The server is stopping; this build was not finished.", "error_type": "Interrupted", "job_id": job.id}
            return JSONResponse(words, 503, headers)
        if outcome["status"] != "ok":
            log = [event["msg"] for event in last if event["type"] == "build"][-LOG_LINES:]
            told = {"error": outcome["error"], "error_type": outcome["error_type"], "job_id": job.id, "log": log}
            return JSONResponse(told, STATUS_OF_ERROR.get(outcome["error_type"], 500), headers)
        return FileResponse(job.result, media_type="application/gzip", filename=f"{job.id}.tar.gz", headers=headers)

    async def events(self, request: HttpRequest) -> Response:
        """Replay a build's events and follow them to the last."""
        job = self._store.find(request.path_params["job_id"])
        if job is None or job.removed:
            return PlainTextResponse(f"{job.removed}\n" if job else NOT_FOUND, 404)
        after = request.headers.get("last-event-id") or request.query_params.get("from", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            return PlainTextResponse("from (or Last-Event-ID) must be a number of events to skip.\n", 400)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.method == "HEAD":  # It must not hold its connection until the build ends.
            return Response(media_type="text/event-stream", headers=headers)
        stream = self._follow(EventTail(job.events, after=int(after)))
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _follow(self, tail: EventTail) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        spoken = clock()
        yield b": the events of one build\n\n"
        while not (tail.complete or self.stopping.is_set()):
            try:
                events = tail.read()
            except FileNotFoundError:
                return  # It was removed meanwhile: it had ended long ago.
            if events:
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
        if job is None or job.removed:
            return PlainTextResponse(f"{job.removed}\n" if job else NOT_FOUND, 404)
        if not job.result.exists():
            return PlainTextResponse("This build has no result (yet).\n", 404)
        return FileResponse(job.result, media_type="application/gzip", filename=f"{job.id}.tar.gz")


async def _left(request: HttpRequest) -> None:
    """Wait until the client goes away. The body has been read, so nothing else comes."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refused(sentence: str, status: int, *, form: bool) -> Response:
    return JSONResponse({"error": sentence}, status) if form else PlainTextResponse(f"{sentence}\n", status)
