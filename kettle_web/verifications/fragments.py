"""What pages show of a report: frozen values, documented for whoever writes the templates.

Every text is plain, and hostile where it comes from documents: templates escape it, as always. `compose` builds these.
Outcomes are `pass`, `fail`, `skipped`, `error` (`kettle_web.verification.report.Outcome`); each comes with its word,
because colour is never the only signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kettle_web.verifications.policy.fragments import ImageNote


@dataclass(frozen=True)
class EarlierVerdict:
    """The verdict as of the build's own time. It is shown beside the present one and never improves it."""

    verdict: str
    word: str
    headline: str
    at: datetime


@dataclass(frozen=True)
class Validity:
    """How long a certificate or list holds."""

    what: str
    not_before: datetime | None
    not_after: datetime
    is_over: bool
    """Whether it had run out when the report was made."""


@dataclass(frozen=True)
class VerdictBlock:
    """The sentence in large type and what belongs in the same breath."""

    verdict: str
    """`confirmed`, `unpinned`, `incomplete`, `failed`, `unattested`, `simulated`: picks hue and shape."""
    word: str
    """The verdict in one or two words, translated: «Confirmed», «Built, not attested»."""
    headline: str
    """One sentence, translated."""
    judged_at: datetime
    not_checked: tuple[str, ...]
    """Sentences said in the same breath: revocation, firmware level. Empty when everything was checked."""
    does_not_prove: tuple[str, ...]
    """«What this does not prove»: always shown."""
    platform: str
    """The evidence's own tag, a claim; empty without evidence."""
    platform_title: str
    anchor_name: str
    anchor_kind: str
    """`hardware`, `test`, or empty: no anchor matched."""
    is_simulated: bool
    """Signed by the public test root: hatched, with the word, wherever it appears."""
    as_of_build: EarlierVerdict | None
    """None: the document gives no time."""
    valid_until: tuple[Validity, ...]
    policy_version: str
    """Empty: no allow-list was applied."""
    pinned_as: str
    """Name of the builder image on the allow-list; empty: none matched."""
    pinned_by: str
    pinned_why: str
    pinned_derivation: str
    """The pinner's reason, and how the values were derived: for every reader, because the verdict rests on both."""
    exit_status: int
    """Of `kettle verify` for this verdict."""
    same_until: datetime | None = None
    """The last later judgement that found exactly this again; None: there was none."""


@dataclass(frozen=True)
class CheckRow:
    """One check, with everything that a fold shows on demand."""

    code: str
    """Stable, like `snp.report.signature`."""
    title: str
    outcome: str
    word: str
    """The outcome in words: «passes», «fails», «not checked», «could not be checked»."""
    is_required: bool
    proves: str
    does_not_prove: str
    reason: str
    """Why it failed, was skipped or could not be made; empty on a pass."""
    expected: str
    actual: str
    """Both may be long hexadecimal text or empty."""
    anchor: str
    """Trust anchor that it rests on; empty: none of its own."""
    depends_on: tuple[str, ...]
    """Codes of checks without which this one means nothing."""


@dataclass(frozen=True)
class LinkRow:
    """One link of the chain: a node of the rail, a group of rows of the table."""

    link: str
    """A value of `kettle_web.verification.report.Link`, good for an `id`: `vendor-root`."""
    title: str
    outcome: str
    """`fail` if any check fails; else `error` or `skipped` if a required one was not made; `pass` if one passed."""
    word: str
    anchor: str
    """The first anchor that its checks name; empty: none of its own."""
    checks: tuple[CheckRow, ...]
    is_broken: bool
    """The first failing link: the rail visibly breaks here."""
    is_after_break: bool
    """Follows the broken link: what passes here means nothing by itself."""


@dataclass(frozen=True)
class ArtifactRow:
    """A file that the provenance names."""

    name: str
    sha256: str
    """Hex, as the provenance states it."""
    size: int | None
    """Bytes of the stored file; None: its bytes are not here."""
    outcome: str
    word: str
    reason: str
    url: str
    """Download address; empty: nothing whose bytes match is here."""


@dataclass(frozen=True)
class ToolRow:
    name: str
    version: str
    sha256: str
    """As the document writes it: hex, base64 or SRI."""


@dataclass(frozen=True)
class DependencyRow:
    ecosystem: str
    name: str
    version: str
    uri: str
    digest: str
    """`algorithm:text` as the document writes it; may be empty."""


@dataclass(frozen=True)
class SourceBlock:
    """What was asked for, and what the provenance says was built. Empty texts mean «not stated»."""

    origin: str
    """`repository`, `upload`, `import`."""
    is_claimed: bool
    """Commit and address are the archive's or the bundle's own claim: say so beside them."""
    asked_url: str
    asked_ref: str
    resolved_commit: str
    archive_name: str
    archive_sha256: str
    archive_size: int | None
    uri: str
    git_commit: str
    git_tree: str
    lockfile_sha256: str
    toolchain: str
    build_type: str
    build_command: str
    builder_id: str
    merkle_root: str
    invocation_id: str
    started_on: str
    finished_on: str
    """Both as the document writes them: RFC 3339."""
    tools: tuple[ToolRow, ...]


@dataclass(frozen=True)
class RawFile:
    """A stored document, byte for byte."""

    name: str
    """`provenance.json`, `evidence.json`, `result.tar.gz`."""
    sha256: str
    size: int | None
    url: str


@dataclass(frozen=True)
class Commands:
    """Lines to copy. `nonce` is empty where none was asked for or is known."""

    nonce: str
    kettle: str
    manage: str


@dataclass(frozen=True)
class ReportRow:
    """One verification of a build, in the list of all of them."""

    number: int
    """From 1, the first; it never changes."""
    verdict: str
    verdict_at_build: str
    """As of the build's own time; empty: the document gives none."""
    headline: str
    judged_at: datetime
    trigger_word: str
    """What it was made for: «the result arrived»."""
    policy_version: str
    """Of the allow-list that it was judged by; empty: none was applied."""
    url: str
    is_newest: bool
    same_until: datetime | None = None
    """The last later judgement that found exactly this again; None: there was none."""


@dataclass(frozen=True)
class SameRun:
    """Later judgements that found exactly what a report says."""

    trigger_word: str
    policy_version: str
    first_at: datetime
    last_at: datetime
    count: int


@dataclass(frozen=True)
class ReportView:
    """Everything that a build's or a share page shows of a verified build."""

    verdict: VerdictBlock
    chain: tuple[LinkRow, ...]
    source: SourceBlock
    artifacts: tuple[ArtifactRow, ...]
    artifact_count: int
    """All of them; `artifacts` may be cut to `compose.ARTIFACTS_SHOWN`."""
    dependencies: tuple[DependencyRow, ...]
    dependency_count: int
    """All of them; `dependencies` may be cut to `compose.DEPENDENCIES_SHOWN`."""
    raw_files: tuple[RawFile, ...]
    commands: Commands
    report_url: str
    """The report as JSON."""
    has_provenance: bool
    signed_nonce: str
    """Nonce in the signed data, hex; empty: none."""
    signed_layout: str
    """How digest and nonce lie in the signed data; empty without evidence."""
    report_count: int
    """How many verifications of this build are kept; this is the newest."""
    history: tuple[ReportRow, ...] = ()
    """The newest of them. Empty on pages for strangers: they see one report."""
    image_note: ImageNote | None = None
    """For administrators, beside the builder image."""


@dataclass(frozen=True)
class ReportsPage:
    """All verifications of a build."""

    build_uid: str
    build_title: str
    rows: tuple[ReportRow, ...]
    """Newest first, at most `report_rows.REPORTS_SHOWN`."""
    count: int


@dataclass(frozen=True)
class ReportPage:
    """One verification of a build, as it was kept."""

    build_uid: str
    build_title: str
    row: ReportRow
    newest: ReportRow
    count: int
    report: ReportView
    json_url: str
    has_policy_document: bool
    """The allow-list that it cites can be read here."""
    collateral_url: str
    """The vendor's lists as used, in the form of `--collateral FILE`; empty: none were."""
    command: str
    """With which anyone finds the same again, years later."""
    same_again: tuple[SameRun, ...] = ()
    """Newest first, at most `report_rows.RUNS_SHOWN`."""


@dataclass(frozen=True)
class ImportPage:
    """What the page «Check a bundle you already have» says beside its form (`form`)."""

    max_form_bytes: int
    """A plain form takes no more than this; larger bundles go up in chunks."""
    max_upload_bytes: int
    max_files: int
