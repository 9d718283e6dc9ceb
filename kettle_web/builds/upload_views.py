"""Archives that go up in chunks: a small JSON interface for the page's own script."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kettle_web.accounts.access import viewer
from kettle_web.builds.errors import BuildError
from kettle_web.builds.forms import UploadCreateForm
from kettle_web.builds.models import Upload
from kettle_web.builds.selectors import upload_for_owner
from kettle_web.builds.uploads import CHUNK_LIMIT_BYTES, OffsetMismatch, upload_append, upload_create
from kettle_web.core.errors import CoreError


def _document(upload: Upload) -> dict[str, Any]:
    return {
        "uid": upload.uid,
        "url": reverse("builds:upload", args=[upload.uid]),
        "received": upload.received,
        "size": upload.size,
        "chunk_bytes": CHUNK_LIMIT_BYTES,
        "complete": bool(upload.sha256),
        "sha256": upload.sha256,
        "inspection": upload.inspection,
    }


def _answer(upload: Upload, status: int = 200) -> HttpResponse:
    return JsonResponse(_document(upload), status=status, headers={"Upload-Offset": str(upload.received)})


def _refusal(error: BuildError | CoreError) -> HttpResponse:
    status = error.status if isinstance(error, BuildError) else 507
    document: dict[str, Any] = {"code": error.code, "message": error.message}
    headers = {}
    if isinstance(error, OffsetMismatch):
        document["received"] = error.received
        headers["Upload-Offset"] = str(error.received)
    return JsonResponse(document, status=status, headers=headers)


@never_cache
@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """Begin an upload: fields `name` and `size` in bytes."""
    form = UploadCreateForm(request.POST)
    if not form.is_valid():
        return _refusal(BuildError("upload-form", _("Say the file's name and its size in bytes.")))
    try:
        return _answer(upload_create(owner=viewer(request), **form.cleaned_data), 201)
    except (BuildError, CoreError) as error:
        return _refusal(error)


@never_cache
@require_http_methods(["GET", "HEAD", "PUT"])
def upload(request: HttpRequest, uid: str) -> HttpResponse:
    """GET says how much is stored; PUT appends the chunk that begins at the header `Upload-Offset`."""
    found = upload_for_owner(viewer(request), uid)
    if request.method != "PUT":
        return _answer(found)
    offset = request.headers.get("Upload-Offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) <= 18):
        return _refusal(BuildError("upload-offset-form", _("The header Upload-Offset must be a number of bytes.")))
    # One byte more than allowed, so that too much is noticed; never more in memory.
    chunk = request.read(CHUNK_LIMIT_BYTES + 1)
    try:
        return _answer(upload_append(upload=found, offset=int(offset), chunk=chunk))
    except (BuildError, CoreError) as error:
        return _refusal(error)
