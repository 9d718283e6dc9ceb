"""Stored files as downloads: constant memory, parts on demand, never shown by the browser as a page of this site."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import BinaryIO

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from kettle_web.core.blobs import CHUNK_BYTES, blob_open, blob_size, blob_verify
from kettle_web.core.visible import visible

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Opened in a tab it runs no script and has no origin.
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


def file_name(name: str) -> str:
    """Give the last part of `name` without what would steer a path or a header."""
    last = visible(name.replace("\\", "/").rsplit("/", 1)[-1]).strip(". ")
    return last[:200] or "file"


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Give first and last byte asked for; None: answer the whole. Raises `ValueError` when no byte of the file is
    asked for.
    """
    found = _RANGE.fullmatch(header.strip())
    if not found or found.groups() == ("", ""):
        return None
    first_text, last_text = found.groups()
    if not first_text:
        first, last = max(0, size - int(last_text)), size - 1
        if int(last_text) == 0:
            raise ValueError("empty range")
    else:
        first, last = int(first_text), min(int(last_text), size - 1) if last_text else size - 1
    if first >= size:
        raise ValueError("range beyond the end")
    return (first, last) if first <= last else None


async def _chunks(file: BinaryIO, length: int) -> AsyncIterator[bytes]:
    """Yield `length` bytes from where `file` stands.

    The last chunk of a whole file is held back until the digest has been checked: a file that has changed in storage
    ends as a broken
    transfer, never as a complete one.
    """
    try:
        chunk = await asyncio.to_thread(file.read, min(CHUNK_BYTES, length))
        while chunk:
            length -= len(chunk)
            following = await asyncio.to_thread(file.read, min(CHUNK_BYTES, length) if length else 1)
            yield chunk
            chunk = following if length else b""
    finally:
        file.close()


def download_response(
    sha256_hex: str, name: str, content_type: str = "application/octet-stream", *, request: HttpRequest | None = None
) -> HttpResponseBase:
    """Give the stored file as an attachment called `name`.

    With `request`, its `Range`, `If-Range` and `If-None-Match` are honoured. Raises `BlobMissing`, `BlobCorrupt`.
    """
    etag = f'"{sha256_hex}"'
    headers = {
        **SAFE_HEADERS,
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition_header(True, file_name(name)) or "attachment",
    }
    asked = request.headers if request is not None else {}
    size = blob_size(sha256_hex)
    if etag in [part.strip().removeprefix("W/") for part in asked.get("If-None-Match", "").split(",")]:
        return HttpResponse(status=304, headers=headers)
    part = None
    if asked.get("Range") and asked.get("If-Range", etag) == etag:
        try:
            part = _range(asked["Range"], size)
        except ValueError:
            return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    if part is not None:
        # A part cannot be checked by itself: the whole is, first.
        blob_verify(sha256_hex)
    first, last = part or (0, size - 1)
    length = last - first + 1
    headers["Content-Length"] = str(length)
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    status = 206 if part is not None else 200
    if request is not None and request.method == "HEAD":
        return HttpResponse(status=status, headers=headers, content_type=content_type)
    file = blob_open(sha256_hex)
    file.seek(first)
    response = StreamingHttpResponse(_chunks(file, length), status=status, headers=headers, content_type=content_type)
    # A visitor may be gone before the first piece is asked for: then nothing else would close it.
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]
    return response
