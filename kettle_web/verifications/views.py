"""Import of bundles, reports as JSON, artifacts, and judging again."""

from __future__ import annotations

import secrets
from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.errors import BuildError
from kettle_web.builds.gone import gone_response
from kettle_web.builds.kept import ARTIFACTS
from kettle_web.builds.models import Build, Upload
from kettle_web.builds.selectors import build_for_viewer
from kettle_web.core.downloads import download_response
from kettle_web.core.errors import BlobMissing, CoreError
from kettle_web.core.formfiles import FORM_FILE_BYTES, TOO_BIG
from kettle_web.verifications import report_history, selectors
from kettle_web.verifications.arrival import build_verify_again
from kettle_web.verifications.forms import ImportForm
from kettle_web.verifications.fragments import ImportPage
from kettle_web.verifications.imports import MAX_FILES, bundle_import
from kettle_web.verifications.reports import document_response, report_response


@require_http_methods(["GET", "HEAD", "POST"])
def import_bundle(request: HttpRequest) -> HttpResponse:
    """«Check a bundle you already have»: as a tarball, or as documents with or without their files."""
    is_post = request.method == "POST"
    form = ImportForm(request.POST, request.FILES) if is_post else ImportForm(initial={"submission_key": secrets.token_urlsafe(24)})
    status = 200
    if is_post:
        status = 422
        if request.META.get(TOO_BIG):
            status = 413
            limit = FORM_FILE_BYTES // 1024**2
            form.add_error(None, _("This form takes files of at most %(limit)d MiB.") % {"limit": limit})
        elif form.is_valid():
            try:
                return redirect("pages:build", _imported(request, form).uid)
            except BuildError as error:
                status = error.status
                form.add_error(None, error.message)
            except CoreError as error:
                status = 507
                form.add_error(None, error.message)
    page = ImportPage(max_form_bytes=FORM_FILE_BYTES, max_upload_bytes=settings.MAX_UPLOAD_BYTES, max_files=MAX_FILES)
    return render(request, "verifications/import.html", {"form": form, "page": page}, status=status)


def _imported(request: HttpRequest, form: ImportForm) -> Build:
    owner, data = viewer(request), form.cleaned_data
    bundle = form.bundle_given()
    if data["upload"]:
        upload = Upload.objects.filter(owner=owner, uid=data["upload"]).first()
        if upload is None:
            raise BuildError("upload-missing", _("There is no such upload."), status=404)
        bundle = replace(bundle, upload=upload)
    return bundle_import(
        owner=owner,
        bundle=bundle,
        want_artifacts=not data["leave_artifacts_out"],
        nonce=data["nonce"],
        label=data["label"],
        submission_key=data["submission_key"],
    )


@require_safe
def report(request: HttpRequest, uid: str) -> HttpResponse:
    return report_response(build_for_viewer(viewer(request), uid))


@require_safe
@never_cache
def reports(request: HttpRequest, uid: str) -> HttpResponse:
    """Every verification of a build: what was found, when, and by which allow-list."""
    build = build_for_viewer(viewer(request), uid)
    return render(request, "verifications/reports.html", {"page": report_history.reports_page(build)})


@require_safe
@never_cache
def report_at(request: HttpRequest, uid: str, number: int) -> HttpResponse:
    """One verification, as it was kept."""
    user = viewer(request)
    build = build_for_viewer(user, uid)
    return render(request, "verifications/report.html", {"page": report_history.report_page(build, number, viewer=user)})


@require_safe
def report_at_json(request: HttpRequest, uid: str, number: int) -> HttpResponse:
    return document_response(report_history.report_numbered(build_for_viewer(viewer(request), uid), number))


@require_safe
def collateral(request: HttpRequest, uid: str, number: int) -> HttpResponse:
    """The vendor's lists that a report was judged by, as `--collateral FILE` takes them."""
    response = JsonResponse(report_history.collateral_kept(build_for_viewer(viewer(request), uid), number))
    response["Content-Disposition"] = 'attachment; filename="collateral.json"'
    return response


@require_safe
def artifact(request: HttpRequest, uid: str, sha256: str, name: str) -> HttpResponseBase:
    """Give a file that the provenance names, if its bytes are what it says; nothing else of a result."""
    build = build_for_viewer(viewer(request), uid)
    if build.artifacts_removed_at is not None and selectors.artifact_named(build, sha256=sha256, name=name):
        return gone_response(request, build, ARTIFACTS)
    row = selectors.artifact_stored(build, sha256=sha256, name=name)
    try:
        return download_response(row.sha256_hex, row.name, request=request)
    except BlobMissing:
        return gone_response(request, build, ARTIFACTS)


@require_POST
def verify_again(request: HttpRequest, uid: str) -> HttpResponse:
    """Judge the stored bytes at today's date; the earlier reports stay."""
    build = build_for_viewer(viewer(request), uid)
    if build_verify_again(build=build):
        messages.success(request, _("Verified again. The earlier reports are kept."))
    else:
        messages.error(request, _("This build cannot be verified again: it holds no result that was verified before."))
    return redirect("pages:build", build.uid)
