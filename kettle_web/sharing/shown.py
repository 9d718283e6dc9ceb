"""What a link shows: the newest report of its build, without the parts that were not chosen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.http import Http404

from kettle_web.builds.models import Build
from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.parts import Part, document_is_shown
from kettle_web.sharing.redaction import report_shown
from kettle_web.verification.report import Report as PureReport
from kettle_web.verification.report import report_from_json
from kettle_web.verifications import models
from kettle_web.verifications.selectors import artifact_stored, nonce_asked, raw_file_sha256, report_latest


@dataclass(frozen=True)
class Shown:
    """The only thing that views, proofs and statements read. `report` has nothing in it that the link does not show."""

    link: ShareLink
    build: Build
    row: models.Report
    """Whole: read its dates, digests and sizes, never its document."""
    report: PureReport
    parts: frozenset[Part]

    def has(self, part: Part) -> bool:
        return part in self.parts

    @property
    def is_one_file(self) -> bool:
        return self.link.scope == ShareLink.Scope.ARTIFACT

    @cached_property
    def nonce_hex(self) -> str:
        """What the evidence had to carry; empty: nothing was asked for, or it is not shown."""
        nonce = nonce_asked(self.build) if self.has(Part.PROVENANCE) else None
        return nonce.hex() if nonce else ""

    def shows_document(self, name: str) -> bool:
        return document_is_shown(name, self.parts, is_one_file=self.is_one_file)

    def document_sha256(self, name: str) -> str:
        """Of a raw document that may be handed out. Raises `Http404`."""
        if not self.shows_document(name):
            raise Http404
        return raw_file_sha256(self.build, name)

    def artifact(self, *, sha256: str, name: str) -> models.Artifact:
        """A file that may be handed out. Raises `Http404`."""
        if not self.has(Part.ARTIFACTS) or (self.is_one_file and sha256 != self.link.artifact_sha256_hex):
            raise Http404
        return artifact_stored(self.build, sha256=sha256, name=name)

    @property
    def is_provenance_hidden(self) -> bool:
        """There is a provenance, and the link does not hand it out."""
        return bool(self.row.provenance_sha256) and not self.shows_document("provenance.json")

    @property
    def is_evidence_hidden(self) -> bool:
        return bool(self.row.evidence_sha256) and not self.shows_document("evidence.json")


def shown_by(link: ShareLink) -> Shown:
    """Raises `Http404` while the build has no report."""
    build = link.build
    row = report_latest(build) if build is not None else None
    if build is None or row is None:
        raise Http404
    parts = link.part_set
    report = report_shown(report_from_json(row.document), parts=parts, artifact_sha256=link.artifact_sha256_hex)
    return Shown(link, build, row, report, parts)
