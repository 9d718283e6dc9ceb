"""The site as JSON. Session-authenticated for now."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import build_for_viewer
from kettle_web.builds.states import State
from kettle_web.verifications.reports import report_document
from kettle_web.verifications.selectors import report_latest


def build_document(build: Build) -> dict[str, Any]:
    """A build's state, verdict and newest report as JSON values. Times are ISO 8601, UTC; null means «not yet»."""
    report = report_latest(build)
    return {
        "uid": build.uid,
        "origin": build.origin,
        "label": build.label,
        "repo_url": build.repo_url,
        "repo_ref": build.repo_ref,
        "state": build.state,
        "is_finished": State(build.state) in (State.DONE, State.FAILED, State.ABANDONED),
        "failure": {"fault": build.fault, "code": build.failure_code, "message": build.failure_message}
        if build.state in (State.FAILED, State.ABANDONED)
        else None,
        "created_at": build.created_at.isoformat(),
        "finished_at": build.finished_at.isoformat() if build.finished_at else None,
        "job_id": build.job_id,
        "verdict": build.verdict,
        "headline": build.headline,
        "provenance_sha256": build.provenance_sha256,
        "evidence_sha256": build.evidence_sha256,
        "result_sha256": build.result_sha256,
        "report": report_document(report) if report is not None else None,
    }


@never_cache
@require_safe
def build(request: HttpRequest, uid: str) -> JsonResponse:
    return JsonResponse(build_document(build_for_viewer(viewer(request), uid)), json_dumps_params={"indent": 2})
