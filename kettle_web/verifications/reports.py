"""The report as JSON, the same bytes for its owner, for whoever holds a link, and for the API."""

from __future__ import annotations

from typing import Any

from django.http import Http404, JsonResponse

from kettle_web.builds.models import Build
from kettle_web.verifications.models import Report
from kettle_web.verifications.selectors import report_latest


def report_document(row: Report) -> dict[str, Any]:
    """The stored document, as `kettle_web.verification.report.report_to_json` gave it."""
    document: dict[str, Any] = row.document
    return document


def report_response(build: Build) -> JsonResponse:
    """Give the newest report. Raises `Http404` while there is none."""
    row = report_latest(build)
    if row is None:
        raise Http404
    return document_response(row)


def document_response(row: Report) -> JsonResponse:
    """Give one report."""
    response = JsonResponse(report_document(row), json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
