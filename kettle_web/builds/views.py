"""Submitting a build, stopping to follow one, and its documents. Who may see a build is decided in `selectors`."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.errors import BuildError
from kettle_web.builds.forms import RepositoryForm, SubmissionForm, UploadForm
from kettle_web.builds.fragments import new_page, upload_page
from kettle_web.builds.gone import gone_response
from kettle_web.builds.kept import RESULT
from kettle_web.builds.models import Build, Upload
from kettle_web.builds.preflight import refusals
from kettle_web.builds.selectors import build_for_viewer, upload_for_owner
from kettle_web.builds.services import build_create, build_stop
from kettle_web.builds.sources import RepositoryError, repository_check, repository_commit, sample_source, sample_state, upload_check
from kettle_web.builds.uploads import upload_from_form
from kettle_web.core.downloads import download_response
from kettle_web.core.errors import BlobMissing, CoreError
from kettle_web.core.formfiles import FORM_FILE_BYTES, TOO_BIG

FILES = {
    "provenance.json": ("provenance_sha256", "application/json"),
    "evidence.json": ("evidence_sha256", "application/json"),
    "result.tar.gz": ("result_sha256", "application/gzip"),
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask for a repository or an archive, and submit it. What is wrong is said beside the field, and nothing is lost."""
    if request.method != "POST":
        return render(request, "builds/new.html", {"page": new_page(way=request.GET.get("way", ""))})
    way = request.POST.get("way") or request.GET.get("way", "")
    return _upload_submit(request) if way == "upload" else _repository_submit(request)


def _repository_submit(request: HttpRequest) -> HttpResponse:
    form = RepositoryForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            repository = repository_check(url=values["repo_url"], ref=values["repo_ref"])
            build = build_create(
                owner=viewer(request),
                origin=Build.Origin.REPOSITORY,
                repo_url=repository.url,
                repo_ref=repository.ref,
                resolved_commit=repository_commit(repository),
                **_common(form),
            )
            return redirect("pages:build", uid=build.uid)
        except RepositoryError as error:
            form.add_error(error.field, error.message)
        except BuildError as error:
            form.add_error(None, error.message)
    return render(request, "builds/new.html", {"page": new_page(way="repository", repository_form=form)}, status=422)


def _upload_submit(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    upload: Upload | None = None
    is_valid, status = form.is_valid(), 422
    if request.META.get(TOO_BIG):
        limit = FORM_FILE_BYTES // 1024**2
        said = _("A form without JavaScript can carry %(limit)s MiB at most. Switch it on: the file then goes up in pieces.")
        form.errors.pop("__all__", None)
        form.add_error("archive", said % {"limit": limit})
        status = 413
    else:
        try:
            upload = _upload_of(request, form)
            if is_valid and upload is not None:
                return redirect("pages:build", uid=_upload_build(request, form, upload).uid)
        except BuildError as error:
            if upload is None or not refusals(upload.inspection):
                form.add_error("archive", error.message)
            status = error.status if error.status != 400 else 422
        except CoreError as error:
            form.add_error("archive", error.message)
            status = 507
    return render(request, "builds/new.html", {"page": upload_page(form, upload)}, status=status)


def _upload_build(request: HttpRequest, form: UploadForm, upload: Upload) -> Build:
    upload_check(upload)
    build = build_create(owner=viewer(request), origin=Build.Origin.UPLOAD, upload=upload, **_common(form))
    for problem in (upload.inspection or {}).get("problems", ()):
        messages.warning(request, f"{problem['message']} {problem['advice']}".strip())
    return build


def _upload_of(request: HttpRequest, form: UploadForm) -> Upload | None:
    """Give the archive that came, also when something else in the form is wrong: it need not be sent again."""
    if file := form.cleaned_data.get("archive"):
        return upload_from_form(owner=viewer(request), name=file.name or "", file=file.file, size=file.size or 0)
    if not (uid := form.cleaned_data.get("upload")):
        return None
    try:
        return upload_for_owner(viewer(request), uid)
    except Http404 as error:
        raise BuildError("upload-missing", _("This upload is not here any more. Choose the file again.")) from error


def _common(form: SubmissionForm) -> dict[str, Any]:
    values = form.cleaned_data
    return {
        "endpoint": values["endpoint"].endpoint,
        "pool": values["endpoint"].pool,
        "nonce": values["nonce"],
        "nonce_made_by": "browser",
        "label": values["label"],
        "submission_key": values["submission_key"],
    }


@require_POST
def sample(request: HttpRequest) -> HttpResponse:
    """Submit the bundled sample."""
    form = SubmissionForm(request.POST)
    try:
        if not form.is_valid():
            raise BuildError("sample-form", " ".join(str(error) for errors in form.errors.values() for error in errors))
        state = sample_state()
        if form.cleaned_data["endpoint"].is_embedded and not state.is_buildable:
            raise BuildError("sample-toolchain", state.advice)
        build = build_create(owner=viewer(request), origin=Build.Origin.UPLOAD, source=sample_source(), **_common(form))
    except (BuildError, CoreError) as error:
        messages.error(request, error.message)
        return redirect("builds:new")
    return redirect("pages:build", uid=build.uid)


@require_POST
def stop(request: HttpRequest, uid: str) -> HttpResponse:
    """Stop following a build of one's own; an administrator may stop any."""
    build = build_for_viewer(viewer(request), uid)
    if build.owner_id != viewer(request).pk and not viewer(request).is_staff:
        raise Http404
    if build_stop(build):
        build.refresh_from_db(fields=["failure_code", "failure_message"])
        messages.info(request, build.failure_message)
    else:
        messages.info(request, _("This build had ended already."))
    return redirect("pages:build", uid=build.uid)


@require_safe
def file(request: HttpRequest, uid: str, name: str) -> HttpResponseBase:
    """Give a document of the result, byte for byte as it came."""
    build = build_for_viewer(viewer(request), uid)
    if name not in FILES:
        raise Http404
    column, content_type = FILES[name]
    if name == "result.tar.gz" and build.result_removed_at is not None:
        # Its bytes may still be here for a day; who asks is told the same all that time.
        return gone_response(request, build, RESULT)
    try:
        return download_response(getattr(build, column), f"{build.uid}-{name}", content_type, request=request)
    except BlobMissing:
        if not getattr(build, column):
            raise Http404 from None
        return gone_response(request, build, RESULT)
