"""Import of bundles, reports as JSON, artifacts, and judging again."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Build, Upload
from kettle_web.builds.selectors import build_for_viewer
from kettle_web.core.downloads import download_response
from kettle_web.core.errors import BlobMissing, CoreError
from kettle_web.core.formfiles import FORM_FILE_BYTES, TOO_BIG
from kettle_web.verifications import selectors
from kettle_web.verifications.arrival import build_verify_again
from kettle_web.verifications.forms import ImportForm
from kettle_web.verifications.fragments import ImportPage
from kettle_web.verifications.imports import MAX_FILES, bundle_import
from kettle_web.verifications.reports import report_response


@require_http_methods(["GET", "HEAD", "POST"])
def import_bundle(request: HttpRequest) -> HttpResponse:
    """«Check a bundle you already have»: as a tarball, or as documents with or without their files."""
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    status = 200
    if request.method == "POST":
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
    )


@require_safe
def report(request: HttpRequest, uid: str) -> HttpResponse:
    return report_response(build_for_viewer(viewer(request), uid))


@require_safe
def artifact(request: HttpRequest, uid: str, sha256: str, name: str) -> HttpResponseBase:
    """Give a file that the provenance names, if its bytes are what it says; nothing else of a result."""
    build = build_for_viewer(viewer(request), uid)
    row = selectors.artifact_stored(build, sha256=sha256, name=name)
    try:
        return download_response(row.sha256_hex, row.name, request=request)
    except BlobMissing as error:
        raise Http404 from error


@require_POST
def verify_again(request: HttpRequest, uid: str) -> HttpResponse:
    """Judge the stored bytes at today's date; the earlier reports stay."""
    build = build_for_viewer(viewer(request), uid)
    if build_verify_again(build=build):
        messages.success(request, _("Verified again. The earlier reports are kept."))
    else:
        messages.error(request, _("This build cannot be verified again: it holds no result that was verified before."))
    return redirect("pages:build", build.uid)
