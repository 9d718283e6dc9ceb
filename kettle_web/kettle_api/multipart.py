"""The multipart dialect: one POST whose answer, hours later, is the finished result. Nothing of either is in memory as a whole.

There is no job, no event and no nonce: whoever loses the connection loses the build, and whether it was made stays unknown.
Source: facts of the Kettle API, POST /build, multipart dialect (the documented Quick Start).
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from kettle_web.kettle_api.answers import ANSWER_BYTES, refusal, unreachable
from kettle_web.kettle_api.client import CONNECT_SECONDS, PIECE_BYTES, STALL_SECONDS
from kettle_web.kettle_api.endpoint import endpoint_parse
from kettle_web.kettle_api.errors import BadAnswer, CutOff, Failed, KettleError, Unanswered, Unreachable
from kettle_web.kettle_api.texts import text_storable
from kettle_web.outbound.errors import OutboundError

ZIP_MAGIC: Final = b"PK\x03\x04"
LOG_LINES: Final = 1000
LINE_CHARS: Final = 10_000
"""Of the log's end in the answer of a build that failed; the answer as a whole is bounded too."""
_GZIP: Final = b"\x1f\x8b"
_FIELD_ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""Of a file's name in a header. Source: HTML, multipart/form-data encoding algorithm."""


class MultipartBody:
    """The form, with a known length. `is_handed_over`: its last byte was given to the connection."""

    def __init__(self, *, repo_url: str = "", repo_ref: str = "", source: Path | None = None, source_name: str = "") -> None:
        if bool(repo_url) == (source is not None):
            raise KettleError("source.one", "Give either a repository or an archive.", retry=False, fault="us")
        self.boundary = f"kettle-{secrets.token_hex(16)}"
        self._source = source
        fields = [("repo_url", repo_url), ("ref", repo_ref)] if repo_url else []
        self._head = b"".join(self._field(name, value) for name, value in fields if value)
        self._size = 0
        if source is not None:
            with source.open("rb") as file:
                if file.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
                    message = "This Kettle server takes ZIP archives only: pack the source as a ZIP, or give the repository's address."
                    raise KettleError("source.not-zip", message, retry=False, fault="source")
            self._size = source.stat().st_size
            name = (source_name or "source.zip").translate(_FIELD_ESCAPES)
            self._head = self._part(f'name="source"; filename="{name}"', "Content-Type: application/zip\r\n")
        self._tail = (b"\r\n" if source is not None else b"") + f"--{self.boundary}--\r\n".encode()
        self.length = len(self._head) + self._size + len(self._tail)
        self.is_handed_over = False

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    def _part(self, disposition: str, more: str = "") -> bytes:
        return f"--{self.boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n".encode()

    def _field(self, name: str, value: str) -> bytes:
        return self._part(f'name="{name}"') + value.encode() + b"\r\n"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._head
        left = self._size
        if self._source is not None:
            with self._source.open("rb") as file:
                while left:
                    part = await asyncio.to_thread(file.read, min(left, PIECE_BYTES))
                    if not part:
                        raise KettleError("source.changed", "The stored archive became shorter while it was sent.", retry=False, fault="us")
                    left -= len(part)
                    yield part
        # Set before the last piece is given away: from here on the server may have all of it.
        self.is_handed_over = True
        yield self._tail


async def build_multipart(
    client: httpx.AsyncClient,
    base_url: str,
    body: MultipartBody,
    to: BinaryIO,
    *,
    token: str = "",
    max_bytes: int,
    seconds: float,
    on_sent: Callable[[], None] = lambda: None,
) -> int:
    """Have the source built and write the result tarball to `to`; give its size. `on_sent` is called when all of the form has left.

    `client` is made with `vetted_async_transport`, `trust_env=False`; cancel the task to give up. The whole takes `seconds` at most.

    Raises `Unreachable` where the request was certainly not taken, `Unanswered` where it may have been and there is no result, other
    `KettleError`s as the server answered.
    """
    endpoint = endpoint_parse(base_url, token)
    headers = endpoint.headers(**{"Content-Type": body.content_type, "Content-Length": str(body.length)})
    # The answer begins when the build has ended: until then nothing is read, and only the deadline of the whole counts.
    timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS, write=STALL_SECONDS)
    try:
        async with asyncio.timeout(seconds):
            pieces = _told(body, on_sent)
            async with client.stream(
                "POST", endpoint.url("/build"), content=pieces, headers=headers, timeout=timeout, follow_redirects=False
            ) as response:
                return await _result(response, to, max_bytes)
    except TimeoutError as error:
        raise _unanswered(body, "The Kettle server did not finish within the time that this site waits.") from error
    except OutboundError as error:
        if error.code == "redirect.refused":
            raise BadAnswer("build.redirect", error.message) from error
        raise unreachable(error) from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        raise unreachable(error) from error
    except (httpx.HTTPError, CutOff) as error:
        raise _unanswered(body, "The connection broke before the result was here.") from error


def _unanswered(body: MultipartBody, why: str) -> KettleError:
    if body.is_handed_over:
        return Unanswered("build.unanswered", f"{why} Whether the build was made is unknown.")
    return Unreachable("network.reset", "The connection broke while the source was being sent.")


async def _told(body: MultipartBody, on_sent: Callable[[], None]) -> AsyncIterator[bytes]:
    async for piece in body:
        yield piece
    on_sent()


async def _result(response: httpx.Response, to: BinaryIO, max_bytes: int) -> int:
    if response.status_code != 200:
        body = await _short(response)
        raise _failed(response.status_code, body) or refusal(response, body, what="build")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise BadAnswer("result.encoded", "The Kettle server sent the result in an encoding that was not asked for.")
    length = response.headers.get("content-length", "")
    total = int(length) if length.isascii() and length.isdigit() and len(length) <= 18 else None
    too_large = BadAnswer("result.too-large", f"The result is larger than {max_bytes // 1024**2} MiB, more than this site takes.")
    if total is not None and total > max_bytes:
        raise too_large
    received, head = 0, b""
    async for part in response.aiter_raw(PIECE_BYTES):
        if len(head) < len(ZIP_MAGIC):
            head = (head + part)[: len(ZIP_MAGIC)]
            _head_check(head, response)
        received += len(part)
        if received > max_bytes:
            raise too_large
        await asyncio.to_thread(to.write, part)
    if total is not None and received != total:
        raise CutOff("result.cut-off", "The connection broke before the result was complete.")
    if len(head) < len(_GZIP):
        raise BadAnswer("result.empty", "The Kettle server sent an empty result.")
    return received


def _failed(status: int, body: bytes) -> Failed | None:
    """Give the failure of the build itself, told as JSON with an `error_type`; None: the answer is another one."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("error_type"), str):
        return None
    lines = told.get("log")
    log = tuple(text_storable(line)[:LINE_CHARS] for line in lines[:LOG_LINES] if isinstance(line, str)) if isinstance(lines, list) else ()
    return Failed(status, error=text_storable(str(told.get("error") or "")), error_type=told["error_type"], log=log)


def _head_check(head: bytes, response: httpx.Response) -> None:
    """Refuse at its first bytes what is not the documented answer, saying what it is."""
    if _GZIP.startswith(head[: len(_GZIP)]):
        return
    if head.startswith(b"PK"):
        message = "This Kettle server answers with a ZIP, as servers of an older version did; this site reads the documented tarball only."
        raise BadAnswer("result.zip", message)
    if "json" in response.headers.get("content-type", "").lower() or head.startswith(b"{"):
        message = "This Kettle server speaks the JSON dialect: an administrator has to say so on the endpoint's page."
        raise BadAnswer("result.json", message)
    raise BadAnswer("result.not-gzip", "The Kettle server sent something else than a gzip-compressed result.")


async def _short(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_raw(PIECE_BYTES):
        body += part
        if len(body) >= ANSWER_BYTES:
            break
    return bytes(body[:ANSWER_BYTES])
