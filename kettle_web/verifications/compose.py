"""Builds what pages show of a report (`fragments`) from the report, the build and the index.

The same functions serve the owner's page and the public one; only the addresses differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from kettle_web.builds.models import Build
from kettle_web.verification.report import Check, Judgement, Link, Outcome, Report
from kettle_web.verifications import fragments, models
from kettle_web.verifications.policy.fragments import ImageNote
from kettle_web.verifications.words import LINK_TITLES, OUTCOME_WORDS, sentence, translated, verdict_word

ARTIFACTS_SHOWN: Final = 1024
DEPENDENCIES_SHOWN: Final = 2000
"""More are counted, and in the raw document."""


@dataclass(frozen=True)
class Addresses:
    """Where a page's links lead: they differ between the owner's page and a shared one."""

    report: str
    file: Callable[[str], str]
    """Of a raw document by its name."""
    artifact: Callable[[str, str], str]
    """Of an artifact by SHA-256 in hex and name."""


def verdict_block(report: Report) -> fragments.VerdictBlock:
    """The sentence in large type and what belongs to it."""
    entry = report.policy_entry or {}
    judged_at = report.now.at
    return fragments.VerdictBlock(
        verdict=report.now.verdict.value,
        word=verdict_word(report.now.verdict.value),
        headline=sentence(report.now.headline),
        judged_at=judged_at,
        not_checked=tuple(sentence(item) for item in report.not_checked),
        does_not_prove=tuple(sentence(item) for item in report.does_not_prove),
        platform=report.platform,
        platform_title=report.platform_title,
        anchor_name=translated(report.anchor_name),
        anchor_kind=report.anchor_kind,
        is_simulated=report.anchor_kind == "test",
        as_of_build=_earlier(report.as_of_build),
        valid_until=tuple(
            fragments.Validity(translated(item.what), item.not_before, item.not_after, item.not_after < judged_at)
            for item in report.valid_until
        ),
        policy_version=report.policy_version,
        pinned_as=str(entry.get("name", "")),
        pinned_by=str(entry.get("pinned_by", "")),
        pinned_why=str(entry.get("reason", "")),
        pinned_derivation=str(entry.get("derivation", "")),
        exit_status=report.exit_status,
    )


def _earlier(judgement: Judgement | None) -> fragments.EarlierVerdict | None:
    if judgement is None:
        return None
    verdict = judgement.verdict.value
    return fragments.EarlierVerdict(verdict, verdict_word(verdict), sentence(judgement.headline), judgement.at)


def _check_row(check: Check) -> fragments.CheckRow:
    return fragments.CheckRow(
        code=check.code,
        title=translated(check.title),
        outcome=check.outcome.value,
        word=str(OUTCOME_WORDS[check.outcome]),
        is_required=check.required,
        proves=translated(check.proves),
        does_not_prove=translated(check.does_not_prove),
        reason=translated(check.reason),
        expected=translated(check.expected),
        actual=translated(check.actual),
        anchor=translated(check.anchor),
        depends_on=check.depends_on,
    )


def link_outcome(checks: Iterable[Check]) -> Outcome:
    """Sum up one link: never better than its weakest required check, and no pass unless something passed."""
    outcomes = {(check.outcome, check.required) for check in checks}
    if any(outcome is Outcome.FAIL for outcome, _required in outcomes):
        return Outcome.FAIL
    for weaker in (Outcome.ERROR, Outcome.SKIPPED):
        if (weaker, True) in outcomes:
            return weaker
    if any(outcome is Outcome.PASS for outcome, _required in outcomes):
        return Outcome.PASS
    return Outcome.ERROR if any(outcome is Outcome.ERROR for outcome, _required in outcomes) else Outcome.SKIPPED


def chain(checks: tuple[Check, ...]) -> tuple[fragments.LinkRow, ...]:
    """Group the checks by their links, in the order of the rail; links without checks are left out."""
    rows: list[fragments.LinkRow] = []
    is_broken_before = False
    for link in Link:
        members = [check for check in checks if check.link is link]
        if not members:
            continue
        outcome = link_outcome(members)
        breaks = outcome is Outcome.FAIL and not is_broken_before
        rows.append(
            fragments.LinkRow(
                link=link.value,
                title=str(LINK_TITLES[link]),
                outcome=outcome.value,
                word=str(OUTCOME_WORDS[outcome]),
                anchor=translated(next((check.anchor for check in members if check.anchor), "")),
                checks=tuple(_check_row(check) for check in members),
                is_broken=breaks,
                is_after_break=is_broken_before,
            )
        )
        is_broken_before = is_broken_before or breaks
    return tuple(rows)


def source_block(build: Build, provenance: dict[str, Any]) -> fragments.SourceBlock:
    """What was asked for beside what the provenance says."""

    def said(name: str) -> str:
        return str(provenance.get(name) or "")

    return fragments.SourceBlock(
        origin=build.origin,
        is_claimed=build.origin != Build.Origin.REPOSITORY,
        asked_url=build.repo_url,
        asked_ref=build.repo_ref,
        resolved_commit=build.resolved_commit,
        archive_name=build.source_name,
        archive_sha256=build.source_sha256,
        archive_size=build.source_size,
        uri=said("source_uri"),
        git_commit=said("git_commit"),
        git_tree=said("git_tree"),
        lockfile_sha256=said("lockfile_sha256"),
        toolchain=said("toolchain"),
        build_type=said("build_type"),
        build_command=said("build_command"),
        builder_id=said("builder_id"),
        merkle_root=said("merkle_root"),
        invocation_id=said("invocation_id"),
        started_on=said("started_on"),
        finished_on=said("finished_on"),
        tools=tuple(
            fragments.ToolRow(str(tool["name"]), str(tool["version"]), str(tool["sha256"])) for tool in provenance.get("tools", [])
        ),
    )


def artifact_rows(report: Report, stored: Iterable[models.Artifact], addresses: Addresses) -> tuple[fragments.ArtifactRow, ...]:
    """The subjects in the document's order, each with its download where its bytes are here."""
    sizes = {row.sha256_hex: row.size for row in stored if row.is_stored}
    return tuple(
        fragments.ArtifactRow(
            name=item.name,
            sha256=item.sha256,
            size=sizes.get(item.sha256, item.size),
            outcome=item.outcome.value,
            word=str(OUTCOME_WORDS[item.outcome]),
            reason=translated(item.reason),
            url=addresses.artifact(item.sha256, item.name) if item.sha256 in sizes else "",
        )
        for item in report.artifacts[:ARTIFACTS_SHOWN]
    )


def dependency_rows(provenance: dict[str, Any]) -> tuple[fragments.DependencyRow, ...]:
    return tuple(
        fragments.DependencyRow(
            ecosystem=str(item["ecosystem"]),
            name=str(item["name"]),
            version=str(item["version"]),
            uri=str(item["uri"]),
            digest=str(item["digest"]),
        )
        for item in provenance.get("dependencies", [])[:DEPENDENCIES_SHOWN]
    )


def raw_files(build: Build, row: models.Report, addresses: Addresses) -> tuple[fragments.RawFile, ...]:
    """The documents that are stored, as they came."""
    named = (
        ("provenance.json", row.provenance_sha256, row.provenance_size),
        ("evidence.json", row.evidence_sha256, row.evidence_size),
        ("result.tar.gz", build.result_sha256, build.result_size),
    )
    return tuple(fragments.RawFile(name, sha256, size, addresses.file(name)) for name, sha256, size in named if sha256)


def commands(*, nonce: str, has_result: bool) -> fragments.Commands:
    """The lines with which anyone can check again."""
    asked = f" --nonce {nonce}" if nonce else ""
    path = "result.tar.gz" if has_result else "DIR"
    return fragments.Commands(nonce=nonce, kettle=f"kettle verify DIR{asked}", manage=f"python manage.py verify {path}{asked}")


def report_view(
    *,
    build: Build,
    row: models.Report,
    report: Report,
    stored: Iterable[models.Artifact],
    nonce: str,
    report_count: int,
    addresses: Addresses,
    history: tuple[fragments.ReportRow, ...] = (),
    image_note: ImageNote | None = None,
) -> fragments.ReportView:
    """Everything that a page shows of a verified build. `nonce`: what was asked for, hex; empty: none."""
    provenance = report.provenance or {}
    signed = report.signed_data or {}
    return fragments.ReportView(
        verdict=replace(verdict_block(report), same_until=row.same_until),
        chain=chain(report.checks),
        source=source_block(build, provenance),
        artifacts=artifact_rows(report, stored, addresses),
        artifact_count=len(report.artifacts),
        dependencies=dependency_rows(provenance),
        dependency_count=len(provenance.get("dependencies", [])),
        raw_files=raw_files(build, row, addresses),
        commands=commands(nonce=nonce, has_result=bool(build.result_sha256)),
        report_url=addresses.report,
        has_provenance=report.provenance is not None,
        signed_nonce=str(signed.get("nonce_hex") or ""),
        signed_layout=str(signed.get("layout") or ""),
        report_count=report_count,
        history=history,
        image_note=image_note,
    )
