"""The stored documents of a verified build, read for looking at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import Http404
from django.utils.translation import gettext as _

from kettle_web.archives.limits import EVIDENCE_BYTES, PROVENANCE_BYTES
from kettle_web.builds.models import Build
from kettle_web.core.blobs import blob_read
from kettle_web.core.errors import CoreError
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.statement import Statement, statement_parse

LIMITS: Final = {"provenance.json": PROVENANCE_BYTES, "evidence.json": EVIDENCE_BYTES}


def document_bytes(build: Build, name: str) -> bytes:
    """The document as it came. Raises `Http404` for other names, for what the build has not, and for bytes that are gone."""
    digest = {"provenance.json": build.provenance_sha256, "evidence.json": build.evidence_sha256}.get(name, "")
    if not digest:
        raise Http404
    try:
        return blob_read(digest, LIMITS[name])
    except CoreError as error:
        raise Http404 from error


@dataclass(frozen=True)
class Read:
    """A provenance, or why it cannot be read."""

    statement: Statement | None
    fault: str


def provenance_read(build: Build) -> Read:
    """Never raises: a page says what is wrong."""
    if not build.provenance_sha256:
        return Read(None, _("This build has no provenance."))
    try:
        return Read(statement_parse(document_bytes(build, "provenance.json")), "")
    except ProvenanceError as error:
        return Read(None, _("The provenance cannot be read: %(why)s.") % {"why": str(error)})
    except Http404:
        return Read(None, _("The stored provenance is no longer here."))


def statement_of(build: Build) -> Statement:
    """The provenance. Raises `Http404` when there is none that can be read."""
    found = provenance_read(build).statement
    if found is None:
        raise Http404
    return found
