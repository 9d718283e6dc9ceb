"""The report: every check that was made, what it rests on, and the verdict that follows from them.

Frozen values; `report_to_json` and `report_from_json` are inverses. The JSON is stable under `SCHEMA_VERSION`: fields
may be added, and a report without them reads as if they were empty. `report.schema.json`, beside this module, documents each.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

SCHEMA_VERSION: Final = 1


class Outcome(StrEnum):
    """Four values; a check that was not made is never a pass."""

    PASS = "pass"  # noqa: S105 - not a password.
    FAIL = "fail"
    SKIPPED = "skipped"
    """Not checked; `Check.reason` says why."""
    ERROR = "error"
    """Could not be checked; `Check.reason` says why."""


class Verdict(StrEnum):
    """In order of precedence: the first that applies."""

    FAILED = "failed"
    SIMULATED = "simulated"
    UNATTESTED = "unattested"
    INCOMPLETE = "incomplete"
    UNPINNED = "unpinned"
    CONFIRMED = "confirmed"


class Link(StrEnum):
    """The links of the chain, from silicon to file, in the order of the rail."""

    DOCUMENTS = "documents"
    """The files themselves can be read: sizes, encodings, JSON."""
    VENDOR_ROOT = "vendor-root"
    INTERMEDIATE = "intermediate"
    CHIP_KEY = "chip-key"
    REPORT = "report"
    VTPM_QUOTE = "vtpm-quote"
    SIGNED_DATA = "signed-data"
    BUILDER_IMAGE = "builder-image"
    """Allow-list: which software ran there."""
    PROVENANCE = "provenance"
    REQUEST = "request"
    """What was asked for against what was built."""
    INPUTS = "inputs"
    ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class Sentence:
    """A sentence for people, kept so that it can be translated: `template` in English with {named} places, and their values."""

    template: str
    params: dict[str, str | int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.template.format(**self.params)


@dataclass(frozen=True)
class Check:
    code: str
    """Stable, like ``snp.report.signature``."""
    title: str
    link: Link
    outcome: Outcome
    required: bool
    proves: str
    does_not_prove: str
    reason: str = ""
    """Why it failed, was skipped or could not be made; empty on a pass."""
    reason_code: str = ""
    """Stable name of that reason, like ``signed-data.digest``; empty on a pass."""
    expected: str = ""
    actual: str = ""
    anchor: str = ""
    """Name of the trust anchor that it rests on; empty: none of its own."""
    depends_on: tuple[str, ...] = ()
    """Codes of checks without which this one means nothing."""


@dataclass(frozen=True)
class ArtifactResult:
    name: str
    sha256: str
    """Hex, as the provenance states it."""
    outcome: Outcome
    reason: str = ""
    size: int | None = None
    """Bytes of the file that was read; None: there was none."""


@dataclass(frozen=True)
class ValidUntil:
    what: str
    not_before: datetime | None
    not_after: datetime


@dataclass(frozen=True)
class Judgement:
    """A verdict at one moment."""

    verdict: Verdict
    at: datetime
    headline: Sentence


@dataclass(frozen=True)
class Report:
    now: Judgement
    as_of_build: Judgement | None
    """At the provenance's finishedOn (or startedOn); None: the document gives no time."""
    exit_status: int
    platform: str
    """The evidence's own tag: a claim. Empty: no evidence."""
    platform_title: str
    anchor_name: str
    anchor_kind: str
    """``hardware``, ``test`` or empty: no anchor matched."""
    checks: tuple[Check, ...]
    artifacts: tuple[ArtifactResult, ...]
    not_checked: tuple[Sentence, ...]
    """Said in the same breath as the headline: revocation, firmware level, …"""
    does_not_prove: tuple[Sentence, ...]
    claims: dict[str, Any]
    """Decoded from evidence, JSON values only: measurement, tcb, chip_id, policy bits, pcrs, … by name."""
    provenance: dict[str, Any] | None
    """Summary of the document: see `kettle_web.provenance.summary`."""
    signed_data: dict[str, Any] | None
    """layout, length, hex, nonce_hex (empty: no nonce)."""
    valid_until: tuple[ValidUntil, ...]
    provenance_sha256: str
    evidence_sha256: str
    policy_version: str
    policy_entry: dict[str, Any] | None = None
    collateral: dict[str, Any] | None = None
    """The vendor's lists as used, in the form of `--collateral FILE`: with them, and `--now`, the same is found again. None: none."""
    schema_version: int = SCHEMA_VERSION


class ReportUnreadable(ValueError):
    """Stored JSON is not a report that this version can read."""


def report_to_json(report: Report) -> dict[str, Any]:
    """JSON values only; moments are ISO 8601 with their offset, and headlines and sentences carry their `text` too."""
    value: dict[str, Any] = _plain(asdict(report))
    for name, judgement in (("now", report.now), ("as_of_build", report.as_of_build)):
        if judgement is not None:
            value[name]["headline"]["text"] = judgement.headline.text
    for name, sentences in (("not_checked", report.not_checked), ("does_not_prove", report.does_not_prove)):
        value[name] = [{**plain, "text": one.text} for plain, one in zip(value[name], sentences, strict=True)]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value


def report_from_json(value: dict[str, Any]) -> Report:
    """The report that `report_to_json` wrote. Raises `ReportUnreadable`."""
    try:
        if value["schema_version"] != SCHEMA_VERSION:
            raise ReportUnreadable(f"a report of schema version {value['schema_version']!r} is not known here")
        fields = dict(value)
        fields["now"] = _judgement(value["now"])
        fields["as_of_build"] = _judgement(value["as_of_build"]) if value["as_of_build"] is not None else None
        fields["checks"] = tuple(check_from_json(item) for item in value["checks"])
        fields["artifacts"] = tuple(ArtifactResult(**{**item, "outcome": Outcome(item["outcome"])}) for item in value["artifacts"])
        fields["not_checked"] = tuple(_sentence(item) for item in value["not_checked"])
        fields["does_not_prove"] = tuple(_sentence(item) for item in value["does_not_prove"])
        fields["valid_until"] = tuple(
            ValidUntil(item["what"], _moment(item["not_before"]), datetime.fromisoformat(item["not_after"]))
            for item in value["valid_until"]
        )
        return Report(**fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ReportUnreadable(f"not a report: {error}") from error
    except ValueError as error:
        raise error if isinstance(error, ReportUnreadable) else ReportUnreadable(f"not a report: {error}") from error


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _sentence(value: dict[str, Any]) -> Sentence:
    return Sentence(value["template"], dict(value["params"]))


def _judgement(value: dict[str, Any]) -> Judgement:
    return Judgement(Verdict(value["verdict"]), datetime.fromisoformat(value["at"]), _sentence(value["headline"]))


def check_from_json(value: dict[str, Any]) -> Check:
    """One check of a report's JSON. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    enums = {"link": Link(value["link"]), "outcome": Outcome(value["outcome"])}
    return Check(**{**value, **enums, "depends_on": tuple(value["depends_on"])})
