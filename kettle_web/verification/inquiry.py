"""What is being asked, and what the steps have found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from kettle_web.attestation.checks import CheckSkipped
from kettle_web.provenance.statement import Statement
from kettle_web.verification.artifacts import ArtifactSource
from kettle_web.verification.policy import Policy, PolicyEntry
from kettle_web.verification.report import ArtifactResult


class NotAsked(CheckSkipped):
    """The check has no object here, or was declined: nobody relies on it, and the verdict does not wait for it."""


@dataclass(frozen=True)
class Request:
    """What was asked for, from our own records. Empty fields: no record."""

    repo_url: str = ""
    """Empty: an uploaded archive."""
    repo_ref: str = ""
    """Empty: the repository's default branch."""
    resolved_commit: str = ""
    """What the ref pointed to when it was asked for; empty: the host did not say."""
    git_tree: str = ""
    """Of the uploaded files, computed by us."""
    lockfile_sha256: str = ""
    """Of the uploaded lockfile, computed by us."""
    claimed: bool = False
    """True: an import. There was no request of ours, so nothing can be compared."""


@dataclass(frozen=True)
class ReferenceFiles:
    """A builder image that the reader has, to be compared with what was attested."""

    igvm: bytes
    """The whole file; a memory map will do."""
    image: BinaryIO | None = None
    """The disk image that it starts from; None: not given."""


@dataclass(frozen=True)
class SignedData:
    """The signed field, after one of the known layouts matched."""

    layout: str
    """``digest-nonce-48``, ``digest-nonce-50``, ``digest-nonce-64``, ``compact-digest-32`` or ``compact-digest-64``."""
    data: bytes
    nonce: bytes
    """16 bytes; empty: none was given, or this layout has no place for one."""
    has_nonce_slot: bool


@dataclass
class Inquiry:
    """One judgement's question and its intermediate findings; steps fill the second half."""

    provenance_bytes: bytes | None
    evidence_bytes: bytes | None
    artifacts: ArtifactSource | None
    now: datetime
    """The clock."""
    judged_at: datetime
    """The moment at which certificates must be valid: now, or the time of the build."""
    request: Request | None = None
    nonce: bytes | None = None
    policy: Policy = field(default_factory=Policy)
    endpoint_attests: bool = False
    evidence_seen_in: str | None = None
    """None: nobody looked. Empty: in no other build. Otherwise the name of that build."""
    received_at: datetime | None = None
    nonce_made_at: datetime | None = None
    want_artifacts: bool = True
    require_collateral: bool = False
    reference: ReferenceFiles | None = None

    statement: Statement | None = None
    platform: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    signed_field: bytes | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    signed_data: SignedData | None = None
    policy_entry: PolicyEntry | None = None
    artifact_results: tuple[ArtifactResult, ...] | None = None
    """None: not looked at yet. A second judgement takes them from the first: bytes do not change with dates."""

    unlisted: tuple[str, ...] = ()
    """Names of files that are there and that the document does not name."""

    @property
    def document(self) -> Statement:
        """The statement, for steps that depend on it having been read."""
        if self.statement is None:
            raise RuntimeError("a step ran before the document was read")
        return self.statement
