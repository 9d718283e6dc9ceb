"""What programs read behind a link: the report, the verifier's material, the signed summary, documents, files and the log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kettle_web.builds.logstore import log_bytes_iter
from kettle_web.builds.models import Build
from kettle_web.core.downloads import SAFE_HEADERS, download_response
from kettle_web.sharing.access import opened
from kettle_web.sharing.compose import addresses_for_token
from kettle_web.sharing.dsse import ENVELOPE_TYPE
from kettle_web.sharing.material import material_document
from kettle_web.sharing.parts import Part
from kettle_web.sharing.shown import Shown
from kettle_web.sharing.signing_keys import keys_document
from kettle_web.sharing.summary import summary_envelope
from kettle_web.sharing.viewlog import Look
from kettle_web.sharing.views import look
from kettle_web.verification.report import report_to_json

ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*"}
"""For the separate verifier, which is opened from a disk and reads a link's documents. No cookie goes with such a request, and who
asks must know the token; a link with a passphrase stays closed to it.
"""


def json_response(value: dict[str, Any], content_type: str = "application/json") -> HttpResponse:
    """JSON for people, too."""
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    return HttpResponse(text, content_type=content_type, headers={"X-Content-Type-Options": "nosniff"})


@opened(headers=ANY_ORIGIN)
def report(request: HttpRequest, shown: Shown, token: str) -> HttpResponseBase:
    """The newest report; what the link does not show is not in it."""
    if request.method == "GET":
        look(request, shown.link, Look.DATA)
    return json_response(report_to_json(shown.report))


@opened(headers=ANY_ORIGIN)
def material(request: HttpRequest, shown: Shown, token: str) -> HttpResponseBase:
    return json_response(material_document(shown, file_url=addresses_for_token(token).file))


@opened(headers=ANY_ORIGIN)
def summary(request: HttpRequest, shown: Shown, token: str) -> HttpResponseBase:
    """Our own statement, signed: PASSED for «confirmed» alone."""
    if request.method == "GET":
        look(request, shown.link, Look.DATA)
    response = json_response(summary_envelope(shown, verifier_id=settings.PUBLIC_URL), ENVELOPE_TYPE)
    response["Content-Disposition"] = 'attachment; filename="summary.dsse.json"'
    return response


@opened(headers=ANY_ORIGIN)
def raw_file(request: HttpRequest, shown: Shown, token: str, name: str) -> HttpResponseBase:
    return download_response(shown.document_sha256(name), name, request=request)


@opened()
def artifact(request: HttpRequest, shown: Shown, token: str, sha256: str, name: str) -> HttpResponseBase:
    row = shown.artifact(sha256=sha256, name=name)
    if request.method == "GET":
        look(request, shown.link, Look.FILE)
    return download_response(row.sha256_hex, row.name, request=request)


@opened()
def log(request: HttpRequest, shown: Shown, token: str) -> HttpResponseBase:
    if not shown.has(Part.LOG):
        raise Http404
    if request.method == "GET":
        look(request, shown.link, Look.LOG)
    headers = {**SAFE_HEADERS, "Content-Disposition": 'attachment; filename="build.log.txt"'}
    return StreamingHttpResponse(_log_text(shown.build), content_type="text/plain; charset=utf-8", headers=headers)


async def _log_text(build: Build) -> AsyncIterator[bytes]:
    yield ("# " + _("Best effort: a server may drop lines; the log is not covered by the attestation.") + "\n").encode()
    # In pieces: a slow reader holds little memory and no transaction.
    pieces = log_bytes_iter(build)
    while piece := await sync_to_async(lambda: next(pieces, b""))():
        yield piece


@login_not_required
@require_safe
def keys(request: HttpRequest) -> HttpResponseBase:
    """The public keys of this site's statements, for everyone."""
    response = JsonResponse(keys_document(), json_dumps_params={"indent": 2})
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    return response
