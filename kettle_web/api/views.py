"""The site as JSON. Session-authenticated for now."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kettle_web.accounts.selectors import must_change_password
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


def _refusal(status: int, code: str, message: str) -> JsonResponse:
    """Errors are JSON too: a machine gets neither a sign-in page nor a page of apology."""
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)


@login_not_required
@never_cache
@require_safe
def build(request: HttpRequest, uid: str) -> JsonResponse:
    """Give a build to those who may see it."""
    if not isinstance(request.user, User):
        return _refusal(401, "signed-out", _("Sign in first."))
    if must_change_password(request.user):
        return _refusal(403, "one-time-password", _("Change your one-time password first."))
    try:
        found = build_for_viewer(request.user, uid)
    except Http404:
        return _refusal(404, "not-found", _("There is no such build."))
    return JsonResponse(build_document(found), json_dumps_params={"indent": 2})
