"""Bundles of our own: a real document, signed by the simulated attester, each open to overrides."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

from kettle_web.attestation.anchors import HARDWARE, AnchorSet, anchors_builtin
from kettle_web.builder.attesters.simulated import DEFAULT_MEASUREMENT, simulated_evidence
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.serialise import provenance_to_bytes, provenance_to_compact_bytes
from kettle_web.provenance.statement import statement_parse
from kettle_web.verification.inquiry import Request
from kettle_web.verification.policy import Policy, PolicyEntry
from kettle_web.verification.report import Check, Report
from kettle_web.verification.run import run_checks
from tests.provenance.samples import cargo_document, changed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FILE = b"the file that was built"
NONCE = bytes(range(1, 17))
ENTRY = PolicyEntry(
    name="Kettle 1.0",
    platform="snp",
    measurement=DEFAULT_MEASUREMENT.hex(),
    pinned_by="an administrator",
    reason="the image that we run",
    derivation="measured from its sources",
)
POLICY = Policy("v1", (ENTRY,))
REQUEST = Request(repo_url="https://example.org/hello.git", repo_ref="main", resolved_commit="11" * 20)


def hardware_anchors() -> AnchorSet:
    """A world in which the public test root were a vendor's: the only way to a confirmed verdict without real hardware."""
    return AnchorSet(tuple(replace(anchor, kind=HARDWARE) for anchor in anchors_builtin().anchors))


def document_make(**overrides: Any) -> dict[str, Any]:
    """A document about `FILE` with a right Merkle root; overrides are paths with ``__`` for ``/``, applied before the root."""
    document = changed(cargo_document(), "subject/0/digest/sha256", hashlib.sha256(FILE).hexdigest())
    for path, value in overrides.items():
        document = changed(document, path.replace("__", "/"), value)
    try:
        root = merkle_root(merkle_leaves(statement_parse(provenance_to_bytes(document)))).hex()
    except ProvenanceError:
        return document
    return changed(document, "predicate/runDetails/byproducts/0/digest/sha256", root)


def signed_field(data: bytes, nonce: bytes = b"") -> bytes:
    return hashlib.sha256(data).digest() + nonce.ljust(16, b"\0")


class Files:
    """Files in memory, with any number of copies of each."""

    def __init__(self, *files: tuple[str, bytes]) -> None:
        self._files = files

    def names(self) -> Iterable[str]:
        return [name for name, _ in self._files]

    def open(self, name: str) -> BinaryIO:
        return next(self.open_copies(name))

    def open_copies(self, name: str) -> Iterator[BinaryIO]:
        return (io.BytesIO(data) for known, data in self._files if known == name)


def report_make(document: dict[str, Any] | None = None, **overrides: Any) -> Report:
    """The report on a bundle that is signed as it should be; `nonce_signed` is what its evidence carries."""
    data = provenance_to_bytes(document if document is not None else document_make())
    nonce_signed = overrides.pop("nonce_signed", NONCE)
    arguments: dict[str, Any] = {
        "provenance_bytes": data,
        "evidence_bytes": simulated_evidence(signed_field(data, nonce_signed)),
        "artifacts": Files(("hello", FILE)),
        "request": REQUEST,
        "nonce": NONCE,
        "policy": POLICY,
        "anchors": hardware_anchors(),
        "now": NOW,
        "evidence_seen_in": "",
    }
    return run_checks(**(arguments | overrides))


def compact_field(data: bytes) -> bytes:
    return hashlib.sha256(provenance_to_compact_bytes(statement_parse(data).document)).digest()


def check_of(report: Report, code: str) -> Check:
    return next(check for check in report.checks if check.code == code)


def outcome_of(report: Report, code: str) -> tuple[str, str]:
    """Outcome and reason code of a check."""
    check = check_of(report, code)
    return check.outcome.value, check.reason_code
