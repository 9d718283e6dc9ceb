"""Reads of reports and artifacts."""

from __future__ import annotations

import re
from typing import Final

from django.contrib.auth.models import User
from django.http import Http404
from django.urls import reverse

from kettle_web.builds.models import Attempt, Build
from kettle_web.core.downloads import file_name
from kettle_web.verification.report import report_from_json
from kettle_web.verifications.compose import Addresses, report_view
from kettle_web.verifications.fragments import ReportView
from kettle_web.verifications.models import Artifact, Import, Report
from kettle_web.verifications.policy.notes import image_note
from kettle_web.verifications.report_rows import report_rows

REPORTS_ON_BUILD: Final = 5
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAY_HAVE_ARRIVED = {Attempt.Outcome.ACCEPTED: 0, Attempt.Outcome.UNKNOWN: 1, Attempt.Outcome.SENT: 1}


def attempt_answered(build: Build) -> Attempt | None:
    """The attempt whose nonce the evidence must carry: the accepted one, or else the last that may have arrived."""
    rows = [row for row in build.attempts.all() if row.outcome in _MAY_HAVE_ARRIVED]
    return min(rows, key=lambda row: (_MAY_HAVE_ARRIVED[Attempt.Outcome(row.outcome)], -row.number), default=None)


def nonce_asked(build: Build) -> bytes | None:
    """The 16 bytes that the evidence must carry; None: nobody asked for any."""
    if build.origin == Build.Origin.IMPORT:
        imported = Import.objects.filter(build=build).first()
        return bytes(imported.nonce) if imported is not None and imported.nonce is not None else None
    attempt = attempt_answered(build)
    # A server whose dialect takes no nonce was told none: there is nothing to compare with, and the report says so.
    return bytes(attempt.nonce) if attempt is not None and attempt.is_nonce_sent else None


def report_latest(build: Build) -> Report | None:
    """The newest report; None: not judged yet."""
    return Report.objects.filter(build=build).order_by("-pk").first()


def artifact_url_name(name: str) -> str:
    """The last part of an artifact's address: what the browser calls the file. The digest before it decides."""
    return file_name(name)


def addresses_for_viewer(build: Build) -> Addresses:
    """Addresses for those who may see the build itself."""
    return Addresses(
        report=reverse("verifications:report", args=[build.uid]),
        file=lambda name: reverse("builds:file", args=[build.uid, name]),
        artifact=lambda sha256, name: reverse("verifications:artifact", args=[build.uid, sha256, artifact_url_name(name)]),
    )


def report_view_latest(build: Build, addresses: Addresses | None = None, *, viewer: User | None = None) -> ReportView | None:
    """What a page shows of the newest report; None: not judged yet. Six queries at most, whatever is in it.

    `viewer`: who sees the earlier reports too, and as an administrator what can be done about the builder image.
    """
    row = report_latest(build)
    if row is None:
        return None
    nonce = nonce_asked(build)
    report, count = report_from_json(row.document), Report.objects.filter(build=build).count()
    return report_view(
        build=build,
        row=row,
        report=report,
        stored=Artifact.objects.filter(build=build),
        nonce=nonce.hex() if nonce else "",
        report_count=count,
        addresses=addresses or addresses_for_viewer(build),
        history=report_rows(build, count=count, most=REPORTS_ON_BUILD) if viewer is not None else (),
        image_note=image_note(viewer=viewer, build=build, report=report) if viewer is not None else None,
    )


def raw_file_sha256(build: Build, name: str) -> str:
    """The digest of a raw document of a verified build. Raises `Http404` for other names and for what it has not."""
    digests = {
        "provenance.json": build.provenance_sha256,
        "evidence.json": build.evidence_sha256,
        "result.tar.gz": build.result_sha256,
    }
    if not digests.get(name):
        raise Http404
    return digests[name]


def artifact_stored(build: Build, *, sha256: str, name: str) -> Artifact:
    """A file that the provenance names and whose bytes match. Raises `Http404` for everything else."""
    row = artifact_named(build, sha256=sha256, name=name)
    if row is None or not row.is_stored:
        raise Http404
    return row


def artifact_named(build: Build, *, sha256: str, name: str) -> Artifact | None:
    """A file that the provenance names, whether or not its bytes are here; those that are come first."""
    if not _SHA256.fullmatch(sha256):
        return None
    rows = Artifact.objects.filter(build=build, sha256=bytes.fromhex(sha256)).order_by("-is_stored", "name")
    return next((row for row in rows if artifact_url_name(row.name) == name), None)
