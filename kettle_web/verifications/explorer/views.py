"""Pages that look into one build's documents, and its exports."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import builds_for_viewer
from kettle_web.core.downloads import SAFE_HEADERS
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.inputs import inputs
from kettle_web.provenance.merkle import merkle_leaves
from kettle_web.provenance.proof import PROOF_LIMIT, proof_make, proof_to_json
from kettle_web.verifications.explorer import exports, pages, tree
from kettle_web.verifications.explorer.documents import document_bytes, statement_of
from kettle_web.verifications.explorer.inputs import is_provable


def _build(request: HttpRequest, uid: str) -> Build:
    build = builds_for_viewer(viewer(request)).select_related("index__repository").filter(uid=uid).first()
    if build is None:
        raise Http404
    return build


@require_safe
@never_cache
def chain(request: HttpRequest, uid: str) -> HttpResponse:
    """The chain as a picture, and the exports."""
    return render(request, "explorer/chain.html", {"page": pages.chain_page(_build(request, uid)), "tab": "chain"})


@require_safe
@never_cache
def inputs_table(request: HttpRequest, uid: str) -> HttpResponse:
    """Every input, searched and sorted here."""
    page = pages.inputs_page(_build(request, uid), request.GET)
    template = "explorer/_inputs.html" if getattr(request, "htmx", False) else "explorer/inputs.html"
    response = render(request, template, {"page": page, "tab": "inputs"})
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@never_cache
def proof(request: HttpRequest, uid: str, index: int) -> HttpResponse:
    """The inclusion proof of one input, to download."""
    statement = statement_of(_build(request, uid))
    every = inputs(statement)
    if not 0 <= index < len(every) or not is_provable(statement, every):
        raise Http404
    try:
        data = pages.proof_bytes(proof_to_json(proof_make(merkle_leaves(statement), index)))
    except ProvenanceError as error:
        raise Http404 from error
    name = content_disposition_header(True, f"{uid}-input-{index}.proof.json") or "attachment"
    return HttpResponse(data, content_type="application/json", headers={**SAFE_HEADERS, "Content-Disposition": name})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def proof_check(request: HttpRequest, uid: str) -> HttpResponse:
    """Check a proof that someone gave."""
    build = _build(request, uid)
    data = None
    if request.method == "POST":
        given = request.FILES.get("proof")
        data = given.read(PROOF_LIMIT + 1) if given is not None else request.POST.get("text", "").encode()[: PROOF_LIMIT + 1]
    page = pages.proof_page(build, data)
    status = 422 if page.result is not None and page.result.outcome == "error" else 200
    return render(request, "explorer/proof.html", {"page": page, "tab": "proof"}, status=status)


@require_safe
@never_cache
def evidence(request: HttpRequest, uid: str) -> HttpResponse:
    """The evidence field by field."""
    page = pages.evidence_page(_build(request, uid), opened=request.GET.get("part", ""))
    return render(request, "explorer/evidence.html", {"page": page, "tab": "evidence"})


@require_safe
@never_cache
def raw(request: HttpRequest, uid: str, name: str) -> HttpResponse:
    """A document as a tree that folds."""
    build = _build(request, uid)
    data = document_bytes(build, name)
    start = request.GET.get("from", "")
    first = int(start) if start.isascii() and start.isdigit() and len(start) <= 9 else 0
    at = request.GET.get("at", "")
    found = tree.tree_of(data, pointer=at, first=first)
    context = {
        "page": {"frame": pages.frame_of(build)},
        "tab": name,
        "name": name,
        "tree": found,
        "at": at,
        "first": first,
        "size": len(data),
    }
    return render(request, "explorer/raw.html", context)


@require_safe
def table(request: HttpRequest, uid: str, name: str, form: str) -> HttpResponseBase:
    """A table of this build as a file."""
    return exports.build_table(request, _build(request, uid), name=name, form=form)


@require_safe
def sbom(request: HttpRequest, uid: str, kind: str) -> HttpResponse:
    """A software bill of materials."""
    return exports.sbom_response(_build(request, uid), kind)


@require_safe
def bundle(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Documents and files as they are stored."""
    return exports.bundle_response(request, _build(request, uid))
