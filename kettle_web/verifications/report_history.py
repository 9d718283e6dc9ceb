"""All verifications of a build: none is ever changed or deleted, so each keeps its number and its address."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.contrib.auth.models import User
from django.http import Http404
from django.urls import reverse

from kettle_web.builds.models import Build
from kettle_web.verification import report as pure
from kettle_web.verification.report import report_from_json
from kettle_web.verifications.compose import report_view
from kettle_web.verifications.fragments import ReportPage, ReportsPage
from kettle_web.verifications.models import Import, PolicyVersion, Report
from kettle_web.verifications.policy.notes import image_note
from kettle_web.verifications.report_rows import report_row, report_rows, same_runs
from kettle_web.verifications.selectors import addresses_for_viewer, nonce_asked


def report_numbered(build: Build, number: int) -> Report:
    """The report with a number, from 1. Raises `Http404`."""
    row = Report.objects.filter(build=build).order_by("pk")[number - 1 : number].first() if 0 < number < 2**31 else None
    if row is None:
        raise Http404
    return row


def report_page(build: Build, number: int, *, viewer: User) -> ReportPage:
    """One report with everything that it rests on. Raises `Http404`."""
    row, count = report_numbered(build, number), Report.objects.filter(build=build).count()
    newest = row if number == count else report_numbered(build, count)
    report, nonce = report_from_json(row.document), nonce_asked(build)
    policy = PolicyVersion.objects.filter(pk=row.policy_version).defer("document").first()
    note = image_note(viewer=viewer, build=build, report=report) if number == count else None
    return ReportPage(
        build_uid=build.uid,
        build_title=build_title(build),
        row=report_row(build, row, number=number, count=count),
        newest=report_row(build, newest, number=count, count=count),
        count=count,
        report=report_view(
            build=build, row=row, report=report, stored=(), nonce=nonce.hex() if nonce else "", report_count=count,
            addresses=addresses_for_viewer(build), image_note=note,
        ),
        json_url=reverse("verifications:report-at-json", args=[build.uid, number]),
        has_policy_document=policy is not None,
        collateral_url=reverse("verifications:collateral", args=[build.uid, number]) if report.collateral else "",
        command=_command(build, row, report, nonce=nonce, has_entries=policy is not None and policy.entry_count > 0),
        same_again=same_runs(row),
    )  # fmt: skip


def _command(build: Build, row: Report, report: pure.Report, *, nonce: bytes | None, has_entries: bool) -> str:
    """The verifier's line for the same bytes, lists and moment. A file without entries is none that it takes."""
    imported = Import.objects.filter(build=build).first() if build.origin == Build.Origin.IMPORT else None
    parts = ["python -m kettle_web.verification", "result.tar.gz" if build.result_sha256 else "DIR"]
    parts += [f"--nonce {nonce.hex()}"] if nonce else []
    parts += ["--no-artifacts"] if imported is not None and not imported.want_artifacts else []
    parts += [f"--policy policy-{row.policy_version[:12]}.json"] if has_entries else []
    parts += ["--collateral collateral.json"] if report.collateral else []
    return " ".join([*parts, f"--now {row.judged_at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}"])


def reports_page(build: Build) -> ReportsPage:
    count = Report.objects.filter(build=build).count()
    if not count:
        raise Http404
    return ReportsPage(build_uid=build.uid, build_title=build_title(build), rows=report_rows(build, count=count), count=count)


def build_title(build: Build) -> str:
    return build.label or build.repo_url or build.source_name or build.uid


def collateral_kept(build: Build, number: int) -> dict[str, Any]:
    """The vendor's lists that a report was judged by. Raises `Http404` where there were none."""
    used = report_numbered(build, number).document.get("collateral")
    if not used:
        raise Http404
    found: dict[str, Any] = used
    return found
