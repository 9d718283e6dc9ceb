"""What got worse from one build to the next. No database here: facts of two builds go in, findings come out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from kettle_web.builds.projects import address_normal
from kettle_web.history.models import Alarm
from kettle_web.verification.report import Verdict

Kind = Alarm.Kind
MAX_FINDINGS: Final = 50
"""Of one build; a lockfile that was exchanged whole says it in fewer."""
SUBJECT_CHARS: Final = 200
VALUE_CHARS: Final = 500
_RANK: Final = {verdict.value: rank for rank, verdict in enumerate(Verdict)}
"""The worst first: the precedence of verdicts is the order of how little they establish."""

Package = tuple[str, str, str]


@dataclass(frozen=True)
class Facts:
    """What a report states of a build, as far as alarms look at it. Empty: not stated."""

    verdict: str
    has_evidence: bool
    measurement: str = ""
    source_uri: str = ""
    tools: dict[str, str] = field(default_factory=dict)
    """Name of a tool to its version and digest, as one text."""
    packages: dict[Package, frozenset[str]] = field(default_factory=dict)
    """Ecosystem, name and version to every digest that is stated for it."""


@dataclass(frozen=True)
class Finding:
    kind: Alarm.Kind
    subject: str = ""
    before: str = ""
    after: str = ""


def facts_read(*, verdict: str, evidence_sha256: str, claims: Any, provenance: Any) -> Facts:
    """Read the parts of a report's JSON; what is not there, or of another shape, is not stated."""
    claimed: dict[str, Any] = claims if isinstance(claims, dict) else {}
    stated: dict[str, Any] = provenance if isinstance(provenance, dict) else {}
    packages: dict[Package, set[str]] = {}
    for item in stated.get("dependencies") or ():
        if item.get("digest"):
            key = (str(item.get("ecosystem", "")), str(item.get("name", "")), str(item.get("version", "")))
            packages.setdefault(key, set()).add(str(item["digest"]))
    return Facts(
        verdict=verdict,
        has_evidence=bool(evidence_sha256),
        measurement=str(claimed.get("measurement") or ""),
        source_uri=str(stated.get("source_uri") or ""),
        tools={str(tool.get("name", "")): _tool(tool) for tool in stated.get("tools") or ()},
        packages={key: frozenset(digests) for key, digests in packages.items()},
    )


def _tool(tool: dict[str, Any]) -> str:
    digest = str(tool.get("sha256") or "")
    version = str(tool.get("version") or "")
    return f"{version}, sha256:{digest}" if digest else version


def findings(before: Facts, after: Facts) -> list[Finding]:
    """Give what got worse or moved, the gravest first, at most `MAX_FINDINGS`."""
    return [_fitted(finding) for finding in islice(_findings(before, after), MAX_FINDINGS)]


def _findings(before: Facts, after: Facts) -> Iterator[Finding]:
    if before.has_evidence and not after.has_evidence:
        # The verdict is worse for this very reason: one alarm is enough.
        yield Finding(Kind.ATTESTATION_LOST, before=before.verdict, after=after.verdict)
    elif _RANK.get(after.verdict, 0) < _RANK.get(before.verdict, 0):
        yield Finding(Kind.VERDICT_WORSE, before=before.verdict, after=after.verdict)
    if before.source_uri and after.source_uri and address_normal(before.source_uri) != address_normal(after.source_uri):
        yield Finding(Kind.SOURCE_MOVED, before=before.source_uri, after=after.source_uri)
    if before.measurement and after.measurement and before.measurement != after.measurement:
        yield Finding(Kind.MEASUREMENT_CHANGED, before=before.measurement, after=after.measurement)
    for key in sorted(before.packages.keys() & after.packages.keys()):
        old, new = before.packages[key], after.packages[key]
        if old.isdisjoint(new):
            ecosystem, name, version = key
            subject = f"{ecosystem}:{name}@{version}" if ecosystem else f"{name}@{version}"
            yield Finding(Kind.DIGEST_CHANGED, subject, ", ".join(sorted(old)), ", ".join(sorted(new)))
    # A document without tools states nothing about them: that is for the checks to say.
    names = sorted(before.tools.keys() | after.tools.keys()) if before.tools and after.tools else []
    for name in names:
        if before.tools.get(name) != after.tools.get(name):
            yield Finding(Kind.TOOLCHAIN_CHANGED, name, before.tools.get(name, ""), after.tools.get(name, ""))


def _fitted(finding: Finding) -> Finding:
    """Fit for the columns; subjects that are cut stay apart by a piece of their digest."""
    subject = finding.subject
    if len(subject) > SUBJECT_CHARS:
        tail = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        subject = f"{subject[: SUBJECT_CHARS - 13]}…{tail}"
    return Finding(finding.kind, subject, finding.before[:VALUE_CHARS], finding.after[:VALUE_CHARS])
