"""Judging what is stored, and writing down the judgement: report, index, artifacts and verdict in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from kettle_web.builds.models import Build
from kettle_web.builds.services import build_advance
from kettle_web.builds.states import State
from kettle_web.core.blobs import blob_write
from kettle_web.core.dispatch import enqueue
from kettle_web.verification import report as pure
from kettle_web.verification.inquiry import Request
from kettle_web.verification.policy import Policy
from kettle_web.verification.run import run_checks
from kettle_web.verifications.clean import json_storable, text_exact, text_storable
from kettle_web.verifications.collateral import collateral_for
from kettle_web.verifications.index import index_write
from kettle_web.verifications.material import Material, material_open
from kettle_web.verifications.models import Import, Report
from kettle_web.verifications.policy.in_force import SitePolicy, policy_in_force, version_keep
from kettle_web.verifications.schedule.due import due_after_report
from kettle_web.verifications.schedule.same import finding_key, same_keep
from kettle_web.verifications.selectors import attempt_answered, nonce_asked, report_latest


class BuildMoved(Exception):
    """Someone ended the build while it was being judged: nothing was written."""


def report_create(*, build: Build, now: datetime, trigger: str = Report.Trigger.ARRIVAL, lease_owner: str | None = None) -> Report:
    """Judge the stored bytes at `now` and keep the report; a build in `verifying` is then `done`.

    With `lease_owner`, nothing is written when that lease is lost.
    Raises `ArchiveError` for a result that cannot be unpacked, `CoreError` when the storage fails us, `BuildMoved`.
    """
    with material_open(build) as material:
        policy = policy_in_force(now)
        judged = _judge(build=build, material=material, policy=policy.policy, now=now)
        stored = _artifacts_store(judged, material)
        writing = _Writing(judged, material, policy, stored, now, trigger, lease_owner)
    return _report_write(build=build, writing=writing)


def _judge(*, build: Build, material: Material, policy: Policy, now: datetime) -> pure.Report:
    imported = Import.objects.filter(build=build).first()
    is_import = build.origin == Build.Origin.IMPORT
    attempt = None if is_import else attempt_answered(build)
    return run_checks(
        provenance_bytes=material.provenance_bytes,
        evidence_bytes=material.evidence_bytes,
        artifacts=material.artifacts,
        request=_request(build),
        nonce=nonce_asked(build),
        policy=policy,
        collateral=collateral_for(build),
        now=now,
        endpoint_attests=build.endpoint.attests if build.endpoint is not None else False,
        evidence_seen_in=None if is_import else _evidence_seen_in(build, material.evidence_sha256),
        received_at=None if is_import else _received_at(build),
        nonce_made_at=attempt.created_at if attempt is not None else None,
        want_artifacts=imported.want_artifacts if imported is not None else True,
    )


def _request(build: Build) -> Request:
    """What was asked for. Of an import nothing is known but what its documents claim."""
    if build.origin == Build.Origin.IMPORT:
        return Request(claimed=True)
    return Request(
        repo_url=build.repo_url,
        repo_ref=build.repo_ref,
        resolved_commit=build.resolved_commit,
        git_tree=build.source_git_tree,
        lockfile_sha256=build.source_lockfile_sha256,
    )


def _evidence_seen_in(build: Build, evidence_sha256: str) -> str:
    """The earlier build that holds the very same evidence: a replay. Empty: none.

    Only earlier ones count, or importing a result would spoil the build that it came from. Someone else's build is
    not named to this one's owner. Of an import nobody asks: having a bundle twice is no replay.
    """
    if not evidence_sha256:
        return ""
    other = Build.objects.filter(evidence_sha256=evidence_sha256, pk__lt=build.pk).order_by("pk").first()
    if other is None:
        return ""
    return other.uid if other.owner_id == build.owner_id else "of someone else"


def _received_at(build: Build) -> datetime:
    """When the result was here: before its first report, at the latest when its verification began."""
    first = Report.objects.filter(build=build).order_by("pk").values_list("created_at", flat=True).first()
    return first or build.state_since


def _artifacts_store(judged: pure.Report, material: Material) -> dict[str, int]:
    """Keep every artifact whose bytes are what the provenance states; give SHA-256 in hex to size."""
    stored: dict[str, int] = {}
    for result in judged.artifacts:
        if result.outcome is pure.Outcome.PASS and result.sha256 not in stored:
            with material.artifacts.open(result.name) as file:
                blob = blob_write(file)
            if blob.sha256_hex == result.sha256:
                stored[blob.sha256_hex] = blob.size
    return stored


@dataclass(frozen=True)
class _Writing:
    judged: pure.Report
    material: Material
    policy: SitePolicy
    stored: dict[str, int]
    now: datetime
    trigger: str
    lease_owner: str | None


def _report_write(*, build: Build, writing: _Writing) -> Report:
    judged, material = writing.judged, writing.material
    verdict_fields: dict[str, Any] = {
        "verdict": judged.now.verdict.value,
        "headline": text_storable(judged.now.headline.text),
        "platform": text_exact(judged.platform, 12),
        "provenance_sha256": material.provenance_sha256,
        "evidence_sha256": material.evidence_sha256,
    }
    with transaction.atomic():
        version_keep(writing.policy, now=writing.now)
        row = Build.objects.select_for_update().get(pk=build.pk)
        document = json_storable(pure.report_to_json(judged))
        if (same := _same_as_newest(row, writing, document)) is not None:
            return same
        report = Report.objects.create(
            build=row,
            judged_at=writing.now,
            trigger=writing.trigger,
            schema_version=judged.schema_version,
            policy_version=text_storable(judged.policy_version, 64),
            verdict=judged.now.verdict.value,
            verdict_at_build=judged.as_of_build.verdict.value if judged.as_of_build else "",
            headline=verdict_fields["headline"],
            provenance_sha256=material.provenance_sha256,
            evidence_sha256=material.evidence_sha256,
            provenance_size=None if material.provenance_bytes is None else len(material.provenance_bytes),
            evidence_size=None if material.evidence_bytes is None else len(material.evidence_bytes),
            document=document,
        )
        index_write(build=row, report=judged, stored=writing.stored)
        due_after_report(row, now=writing.now)
        enqueue("history.watch_build", row.pk)
        if row.state == State.DONE:
            Build.objects.filter(pk=row.pk).update(**verdict_fields)
        elif not build_advance(row.pk, State.DONE, lease_owner=writing.lease_owner, **verdict_fields):
            raise BuildMoved
    build.refresh_from_db()
    return report


def _same_as_newest(row: Build, writing: _Writing, document: dict[str, Any]) -> Report | None:
    """The newest report, if nobody waits for a new one and it says the same: only that it was found again is kept then."""
    if writing.trigger not in (Report.Trigger.SCHEDULE, Report.Trigger.POLICY) or row.state != State.DONE:
        return None
    newest = report_latest(row)
    if newest is None or finding_key(newest.document) != finding_key(document):
        return None
    same_keep(newest=newest, trigger=writing.trigger, policy_version=text_storable(writing.judged.policy_version, 64), now=writing.now)
    due_after_report(row, now=writing.now)
    return newest
