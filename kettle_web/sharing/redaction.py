"""A report as a link shows it: what was not chosen is gone from every field, sentence and value.

Pages, JSON, summary statement, proof and print all begin with what this gives; none of them sees the whole report.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django.utils.translation import gettext_noop

from kettle_web.sharing.parts import Part
from kettle_web.verification.report import ArtifactResult, Check, Judgement, Link, Outcome, Report, Sentence

HIDDEN: Final = gettext_noop("this belongs to a part of the build that this link does not show")
"""In the place of a reason."""
NAMES_DEPENDENCIES: Final = frozenset({Link.DOCUMENTS, Link.PROVENANCE, Link.INPUTS})
"""Links whose checks may quote the provenance's list of dependencies."""
PINNING: Final = ("name", "platform", "pinned_by", "reason", "derivation")
"""Of an allow-list entry: who answers for it. Its values are the evidence's."""
QUOTES_VALUES: Final = frozenset({"image.unknown", "image.out-of-dates", "request.unresolved", "policy.ref-unknown"})
"""Codes of reasons that quote a value behind their check: a measurement, another entry of the list, the ref that was asked for."""
SEEN_ELSEWHERE: Final = "the same evidence is already stored with another build"
"""Which one is nobody's business who holds this link: it may be another person's."""
_LONG_HEX: Final = re.compile(r"[0-9a-f]{16}", re.IGNORECASE)
_ALWAYS: Final = ("source_uri", "git_commit", "started_on", "finished_on")
_EMPTY: Final[dict[str, Any]] = {
    "git_tree": "", "build_type": "", "build_command": "", "toolchain": "", "tools": [], "lockfile_sha256": "",
    "dependencies": [], "builder_id": "", "merkle_root": "", "invocation_id": "", "subjects": [],
}  # fmt: skip


def report_shown(report: Report, *, parts: frozenset[Part], artifact_sha256: str = "") -> Report:
    """Give what a link with these parts shows. `artifact_sha256`: hex, of the one file that it opens; empty: all files."""
    report = _quiet(report, lambda check: check.reason_code == "replay.seen", SEEN_ELSEWHERE)
    if artifact_sha256:
        report = _one_file(report, artifact_sha256)
    if Part.PROVENANCE not in parts:
        report = _without_values(report)
    if Part.DEPENDENCIES not in parts:
        report = _without_dependencies(report)
    return report


def _without_values(report: Report) -> Report:
    report = _quiet(report, lambda check: check.reason_code in QUOTES_VALUES or _LONG_HEX.search(check.reason) is not None)
    entry, said = report.policy_entry, report.provenance
    return replace(
        report,
        checks=tuple(replace(check, expected="", actual="") for check in report.checks),
        claims={},
        signed_data=None,
        collateral=None,
        policy_entry=None if entry is None else {name: entry[name] for name in PINNING if name in entry},
        provenance=None if said is None else _EMPTY | {name: said.get(name, "") for name in (*_ALWAYS,)} | _kept_subjects(said),
    )


def _kept_subjects(said: dict[str, Any]) -> dict[str, Any]:
    return {"subjects": said.get("subjects", [])}


def _without_dependencies(report: Report) -> Report:
    report = _quiet(report, lambda check: check.link in NAMES_DEPENDENCIES)
    said = report.provenance
    return replace(report, provenance=None if said is None else {**said, "dependencies": []})


def _one_file(report: Report, sha256: str) -> Report:
    """The one file's row; no other file's name is left in any text."""
    report = _quiet(report, lambda check: check.link is Link.ARTIFACTS)
    said = report.provenance
    subjects = [item for item in (said or {}).get("subjects", []) if item.get("sha256") == sha256]
    return replace(
        report,
        artifacts=tuple(item for item in report.artifacts if item.sha256 == sha256),
        not_checked=tuple(_without_names(sentence) for sentence in report.not_checked),
        provenance=None if said is None else {**said, "subjects": subjects},
    )


def _without_names(sentence: Sentence) -> Sentence:
    return replace(sentence, params={**sentence.params, "names": "…"}) if "names" in sentence.params else sentence


def _quiet(report: Report, is_hidden: Callable[[Check], bool], instead: str = HIDDEN) -> Report:
    """Blank values and reasons of the checks that are hidden, also where a sentence quotes their reasons.

    `instead`: in a reason's place.
    """
    titles = {check.title for check in report.checks if is_hidden(check)}
    reasons = {check.reason for check in report.checks if is_hidden(check) and check.reason}
    return replace(
        report,
        checks=tuple(_quiet_check(check, instead) if is_hidden(check) else check for check in report.checks),
        artifacts=tuple(_quiet_artifact(item, reasons, instead) for item in report.artifacts),
        now=_quiet_judgement(report.now, titles, reasons, instead),
        as_of_build=None if report.as_of_build is None else _quiet_judgement(report.as_of_build, titles, reasons, instead),
        not_checked=tuple(_quiet_sentence(sentence, titles, reasons, instead) for sentence in report.not_checked),
    )


def _quiet_check(check: Check, instead: str) -> Check:
    return replace(check, expected="", actual="", reason="" if check.outcome is Outcome.PASS else instead)


def _quiet_artifact(item: ArtifactResult, reasons: set[str], instead: str) -> ArtifactResult:
    return replace(item, reason=instead) if item.reason in reasons else item


def _quiet_judgement(judgement: Judgement, titles: set[str], reasons: set[str], instead: str) -> Judgement:
    return replace(judgement, headline=_quiet_sentence(judgement.headline, titles, reasons, instead))


def _quiet_sentence(sentence: Sentence, titles: set[str], reasons: set[str], instead: str) -> Sentence:
    """A sentence quotes a reason as `reason`, perhaps with another first letter, and names its check as `check`."""
    if "reason" not in sentence.params:
        return sentence
    quoted = str(sentence.params["reason"]).lower()
    if sentence.params.get("check") in titles or any(quoted.startswith(reason.rstrip(".").lower()[:60]) for reason in reasons):
        return replace(sentence, params={**sentence.params, "reason": instead})
    return sentence
