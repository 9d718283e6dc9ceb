"""A build's log: page by page, by ranges of lines, searched, and as a text file. Authorised like the build's page, always."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.log_pages import log_page
from kettle_web.builds.logformat import LogFormatError
from kettle_web.builds.logrows import rows_between
from kettle_web.builds.logsearch import MAX_NEEDLE, log_first_error, log_search
from kettle_web.builds.logsource import LogSource, log_open
from kettle_web.builds.logstore import log_bytes_iter
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import build_for_viewer
from kettle_web.core.downloads import SAFE_HEADERS
from kettle_web.core.errors import BlobMissing

GZIP_LEVEL: Final = 5
_GZIP_WINDOW: Final = 31
"""zlib's word for a window of 32 KiB and gzip's own frame."""
NO_STORE: Final = "private, no-store"
REVALIDATED: Final = "private, no-cache"
"""Kept by the browser and asked for each time whether it is still to be seen: a right may be taken away."""


def _source(build: Build) -> LogSource:
    """Open the log; one whose file is gone or broken is not there. The page says which."""
    try:
        return log_open(build)
    except (BlobMissing, LogFormatError) as error:
        raise Http404(str(error)) from error


def _number(request: HttpRequest, name: str, default: int) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) <= 12 else default


def _etag(sha256: str, request: HttpRequest) -> str:
    """What a sealed log answers to one query never changes; what a growing one answers has no name."""
    return f'"{sha256[:32]}-{zlib.crc32(request.get_full_path().encode()):08x}"' if sha256 else ""


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": REVALIDATED} if etag else {"Cache-Control": NO_STORE}


def _not_modified(request: HttpRequest, etag: str) -> HttpResponse | None:
    asked = [part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")]
    return HttpResponse(status=304, headers=_headers(etag)) if etag and etag in asked else None


@require_safe
def lines(request: HttpRequest, uid: str) -> HttpResponse:
    """Give the lines from `from` to `to` as JSON; fewer where they are many or long, the viewer asks again."""
    build = build_for_viewer(viewer(request), uid)
    source = _source(build)
    etag = _etag(source.sha256, request)
    if unchanged := _not_modified(request, etag):
        return unchanged
    first = max(1, _number(request, "from", 1))
    rows = rows_between(build, first, _number(request, "to", first))
    document = {"rows": rows, "lines": source.lines, "epoch": build.log_epoch, "sealed": bool(source.sha256)}
    return JsonResponse(document, headers=_headers(etag), json_dumps_params={"separators": (",", ":")})


@require_safe
def search(request: HttpRequest, uid: str) -> HttpResponse:
    """Find `q` in all lines from `from` on: numbers of lines, how far the search came, and where the next one goes on."""
    build = build_for_viewer(viewer(request), uid)
    needle = request.GET.get("q", "").replace("\x00", "")[:MAX_NEEDLE]
    if not needle:
        return JsonResponse({"hits": [], "searched": 0, "next": None}, headers={"Cache-Control": NO_STORE})
    source = _source(build)
    etag = _etag(source.sha256, request)
    if unchanged := _not_modified(request, etag):
        return unchanged
    found = log_search(build, needle, is_case=request.GET.get("case") == "1", start=max(1, _number(request, "from", 1)))
    # An answer that ran out of time is not what the next one will be.
    headers = _headers(etag if found.next is None else "")
    return JsonResponse({"hits": found.hits, "searched": found.searched, "next": found.next}, headers=headers)


@require_safe
def first_error(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Lead to the first line that reads like an error; say its number to a script."""
    build = build_for_viewer(viewer(request), uid)
    found = log_first_error(build, _source(build))
    response: HttpResponseBase
    if request.headers.get("Accept", "").startswith("application/json"):
        response = JsonResponse({"line": found.line if found else None, "is_guess": bool(found and found.is_guess)})
    else:
        page = reverse("builds:log-page", kwargs={"uid": uid})
        response = redirect(f"{page}?from={max(1, found.line - 20)}#L{found.line}" if found else page)
    response["Cache-Control"] = NO_STORE
    patch_vary_headers(response, ["Accept"])
    return response


@require_safe
@never_cache
def page(request: HttpRequest, uid: str) -> HttpResponse:
    """The log on a page of its own: the same viewer, and without JavaScript page by page, with a search."""
    build = build_for_viewer(viewer(request), uid)
    needle = request.GET.get("q", "").replace("\x00", "")[:MAX_NEEDLE]
    begin, is_case = max(1, _number(request, "search-from", 1)), request.GET.get("case") == "1"
    view = log_page(build, start=_number(request, "from", 0), needle=needle, is_case=is_case, search_from=begin)
    return render(request, "builds/log.html", {"page": view})


@require_safe
def text(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Give the log, or `lines=a-b` of it, as plain text; with `times=1` each line begins with its time."""
    return _download(request, uid, is_gzip=False)


@require_safe
def text_gzip(request: HttpRequest, uid: str) -> HttpResponseBase:
    """The same, packed."""
    return _download(request, uid, is_gzip=True)


_RANGE: Final = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?")


def _range(request: HttpRequest) -> tuple[int, int | None]:
    asked = request.GET.get("lines", "")
    if not asked:
        return 1, None
    found = _RANGE.fullmatch(asked)
    if found is None:
        raise Http404
    return max(1, int(found[1])), int(found[2] or found[1])


def _download(request: HttpRequest, uid: str, *, is_gzip: bool) -> HttpResponseBase:
    build = build_for_viewer(viewer(request), uid)
    first, last = _range(request)
    etag = _etag(_source(build).sha256, request)
    if unchanged := _not_modified(request, etag):
        return unchanged
    name, kind = (f"{build.uid}.log.txt.gz", "application/gzip") if is_gzip else (f"{build.uid}.log.txt", "text/plain; charset=utf-8")
    way = "attachment" if is_gzip or request.GET.get("download") == "1" else "inline"
    headers = {**SAFE_HEADERS, **_headers(etag), "Content-Disposition": f'{way}; filename="{name}"'}
    if request.method == "HEAD":
        return HttpResponse(headers=headers, content_type=kind)
    pieces = log_bytes_iter(build, first, last, is_stamped=request.GET.get("times") == "1")
    return StreamingHttpResponse(_pieces(_gzipped(pieces) if is_gzip else pieces), content_type=kind, headers=headers)


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


async def _pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read piece by piece, so that a slow reader holds neither a cursor nor a transaction open."""
    following: Any = sync_to_async(next)
    while (piece := await following(pieces, None)) is not None:
        yield piece
