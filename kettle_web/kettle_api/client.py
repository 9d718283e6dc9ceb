"""Synchronous client: health, submit, download. Events are followed by `aclient`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import httpx

from kettle_web.kettle_api.answers import ANSWER_BYTES, job_id_check, job_id_of, refusal, unreachable
from kettle_web.kettle_api.body import BuildBody
from kettle_web.kettle_api.endpoint import endpoint_parse
from kettle_web.kettle_api.errors import BadAnswer, CutOff, Unanswered, Unreachable
from kettle_web.outbound.errors import OutboundError
from kettle_web.outbound.transport import vetted_transport

CONNECT_SECONDS: Final = 10.0
SUBMIT_READ_SECONDS: Final = 120.0
"""Between the last byte of the body and the answer: a scheduling host may have to start a VM first."""
HEALTH_SECONDS: Final = 5.0
STALL_SECONDS: Final = 60.0
"""Without a byte of a download."""
DOWNLOAD_SECONDS: Final = 3600.0
"""For a whole result."""
PIECE_BYTES: Final = 64 * 1024
_GZIP: Final = b"\x1f\x8b"


class KettleClient:
    """One Kettle server. Close it, or use it as a context manager. Without a transport, its own goes to this endpoint's address only."""

    def __init__(self, base_url: str, *, token: str = "", transport: httpx.BaseTransport | None = None) -> None:
        self._endpoint = endpoint_parse(base_url, token)
        self._client = httpx.Client(
            transport=transport or vetted_transport(allowed_hosts=(self._endpoint.allowed_host,)),
            timeout=httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> "KettleClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def health(self) -> str:
        """Give the server's word, "ok". Raises `KettleError` for everything else, never for longer than a few seconds."""
        try:
            with self._client.stream(
                "GET", self._endpoint.url("/health"), headers=self._endpoint.headers(), timeout=HEALTH_SECONDS
            ) as response:
                body = _short(response, HEALTH_SECONDS)
        except OutboundError as error:
            raise unreachable(error) from error
        except httpx.HTTPError as error:
            raise Unreachable("network.unreachable", "The Kettle server does not answer just now.") from error
        if response.status_code != 200:
            raise refusal(response, body, what="health")
        if body.strip() != b"ok":
            raise BadAnswer("health.unexpected", "Something answers at this address, but it is not a Kettle server.")
        return "ok"

    def submit(self, nonce: bytes, *, repo_url: str = "", repo_ref: str = "", source: Path | None = None, source_name: str = "") -> str:
        """Ask for a build of a repository or of the archive at `source`, and give the job's id.

        Raises `Unreachable` where the request was certainly not taken, `Unanswered` where it may have been: never send again after that
        without a person's word. Other `KettleError`s as the server answered.
        """
        body = BuildBody(nonce, repo_url=repo_url, repo_ref=repo_ref, source=source, source_name=source_name)
        headers = self._endpoint.headers(**{"Content-Type": "application/json", "Content-Length": str(body.length)})
        timeout = httpx.Timeout(SUBMIT_READ_SECONDS, connect=CONNECT_SECONDS, write=STALL_SECONDS)
        try:
            with self._client.stream(
                "POST", self._endpoint.url("/build"), content=iter(body), headers=headers, timeout=timeout
            ) as response:
                answer = _short(response, SUBMIT_READ_SECONDS)
        except OutboundError as error:
            if error.code == "redirect.refused":
                raise BadAnswer("build.redirect", error.message) from error
            raise unreachable(error) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise unreachable(error) from error
        except httpx.HTTPError as error:
            if body.is_handed_over:
                raise Unanswered(
                    "build.unanswered",
                    "The request was sent, but the Kettle server's answer did not arrive: whether the build began is unknown.",
                ) from error
            raise Unreachable("network.reset", "The connection broke while the source was being sent.") from error
        if response.status_code != 200:
            raise refusal(response, answer, what="build")
        return job_id_of(response, answer)

    def result_download(
        self, job_id: str, to: BinaryIO, *, max_bytes: int, on_progress: Callable[[int, int | None], None] | None = None
    ) -> int:
        """Write the result tarball to `to` and give its size. `on_progress(received, total or None)` is called as it comes.

        Raises `NotFound` (no result), `CutOff` (ended early; begin again with an empty file), `BadAnswer`, `Refused`, `Unreachable`.
        """
        path = f"/build/{job_id_check(job_id)}/result"
        with self._reading(), self._client.stream("GET", self._endpoint.url(path), headers=self._endpoint.headers()) as response:
            if response.status_code != 200:
                raise refusal(response, _short(response, STALL_SECONDS), what="result")
            return _download(response, to, max_bytes, on_progress)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except OutboundError as error:
            if error.code == "redirect.refused":
                raise BadAnswer("result.redirect", error.message) from error
            raise unreachable(error) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise unreachable(error) from error
        except httpx.HTTPError as error:
            raise CutOff("result.cut-off", "The connection broke before the result was complete.") from error


def _short(response: httpx.Response, seconds: float) -> bytes:
    """The beginning of an answer that should be short."""
    end = time.monotonic() + seconds
    body = bytearray()
    for part in response.iter_raw(PIECE_BYTES):
        body += part
        if len(body) >= ANSWER_BYTES or time.monotonic() > end:
            break
    return bytes(body[:ANSWER_BYTES])


def _download(response: httpx.Response, to: BinaryIO, max_bytes: int, on_progress: Callable[[int, int | None], None] | None) -> int:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise BadAnswer("result.encoded", "The Kettle server sent the result in an encoding that was not asked for.")
    length = response.headers.get("content-length", "")
    total = int(length) if length.isascii() and length.isdigit() and len(length) <= 18 else None
    too_large = BadAnswer("result.too-large", f"The result is larger than {max_bytes // 1024**2} MiB, more than this site takes.")
    if total is not None and total > max_bytes:
        raise too_large
    end = time.monotonic() + DOWNLOAD_SECONDS
    received, head = 0, b""
    for part in response.iter_raw(PIECE_BYTES):
        if len(head) < len(_GZIP):
            head = (head + part)[: len(_GZIP)]
            if not _GZIP.startswith(head):
                raise BadAnswer("result.not-gzip", "The Kettle server sent something else than a gzip-compressed result.")
        received += len(part)
        if received > max_bytes:
            raise too_large
        if time.monotonic() > end:
            raise CutOff("result.too-slow", "The result did not arrive within an hour.")
        to.write(part)
        if on_progress is not None:
            on_progress(received, total)
    if total is not None and received != total:
        raise CutOff("result.cut-off", "The connection broke before the result was complete.")
    if len(head) < len(_GZIP):
        raise BadAnswer("result.empty", "The Kettle server sent an empty result.", retry=True)
    return received
