"""What the explorer's pages show."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from kettle_web.attestation.checks import CheckFailed
from kettle_web.attestation.layout import Field, Layout, evidence_layouts
from kettle_web.builds.models import Build
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.proof import Proof, proof_check, proof_parse
from kettle_web.verification.report import report_from_json
from kettle_web.verifications.compose import chain
from kettle_web.verifications.explorer.documents import document_bytes, provenance_read
from kettle_web.verifications.explorer.inputs import InputsTable, inputs_table
from kettle_web.verifications.explorer.picture import Picture, picture
from kettle_web.verifications.fragments import LinkRow
from kettle_web.verifications.models import Artifact
from kettle_web.verifications.selectors import report_latest

BYTES_SHOWN: Final = 64
"""Of a field's bytes in the table; the rest is behind a fold, up to `BYTES_FOLDED`."""
BYTES_FOLDED: Final = 4096


@dataclass(frozen=True)
class Frame:
    """What every page of the explorer has."""

    uid: str
    title: str
    verdict: str
    has_provenance: bool
    has_evidence: bool
    has_result: bool


@dataclass(frozen=True)
class ChainPage:
    frame: Frame
    chain: tuple[LinkRow, ...]
    picture: Picture
    has_report: bool


@dataclass(frozen=True)
class InputsPage:
    frame: Frame
    table: InputsTable | None
    fault: str


@dataclass(frozen=True)
class FieldRow:
    field: Field
    hex_offset: str
    hex_head: str
    hex_rest: str
    """The bytes behind the head; empty: there are none."""
    is_cut: bool
    meaning: str


@dataclass(frozen=True)
class LayoutBlock:
    layout: Layout
    rows: tuple[FieldRow, ...]
    is_open: bool


@dataclass(frozen=True)
class EvidencePage:
    frame: Frame
    layouts: tuple[LayoutBlock, ...]
    platform: str
    fault: str


@dataclass(frozen=True)
class ProofResult:
    """What became of a proof that someone gave."""

    outcome: str
    """`pass`, `fail`, or `error`: it could not be read."""
    text: str
    proof: Proof | None
    is_this_root: bool


@dataclass(frozen=True)
class ProofPage:
    frame: Frame
    root: str
    fault: str
    result: ProofResult | None
    command: str


def frame_of(build: Build) -> Frame:
    """`build`: with its index and repository, or a query more."""
    index = getattr(build, "index", None)
    repository = index.repository.url if index is not None and index.repository is not None else build.repo_url
    short = repository.partition("://")[2].removesuffix(".git") or repository
    first = "" if build.label or short else Artifact.objects.filter(build=build).values_list("name", flat=True).first()
    return Frame(
        uid=build.uid,
        title=build.label or short or build.source_name or first or build.uid,
        verdict=build.verdict,
        has_provenance=bool(build.provenance_sha256),
        has_evidence=bool(build.evidence_sha256),
        has_result=bool(build.result_sha256),
    )


def chain_page(build: Build) -> ChainPage:
    row = report_latest(build)
    links = chain(report_from_json(row.document).checks) if row is not None else ()
    return ChainPage(frame_of(build), links, picture(links), row is not None)


def inputs_page(build: Build, parameters: QueryDict) -> InputsPage:
    read = provenance_read(build)
    path = reverse("explorer:inputs", args=[build.uid])
    table = inputs_table(read.statement, parameters, path) if read.statement is not None else None
    return InputsPage(frame_of(build), table, read.fault)


def evidence_page(build: Build, *, opened: str) -> EvidencePage:
    """`opened`: code of the structure that is unfolded; the first one when there is none of that name."""
    frame = frame_of(build)
    if not build.evidence_sha256:
        return EvidencePage(frame, (), "", _("This build has no evidence."))
    data = document_bytes(build, "evidence.json")
    try:
        layouts = evidence_layouts(data)
    except CheckFailed as error:
        return EvidencePage(frame, (), build.platform, str(error))
    chosen = opened if opened in {layout.code for layout in layouts} else layouts[0].code if layouts else ""
    blocks = tuple(LayoutBlock(layout, tuple(map(_field_row, layout.fields)), layout.code == chosen) for layout in layouts)
    return EvidencePage(frame, blocks, build.platform, "" if blocks else _("The evidence is of a platform that is not known here."))


def _field_row(field: Field) -> FieldRow:
    return FieldRow(
        field=field,
        hex_offset=f"{field.offset:04x}",
        hex_head=field.data[:BYTES_SHOWN].hex(),
        hex_rest=field.data[BYTES_SHOWN:BYTES_FOLDED].hex(),
        is_cut=field.size > BYTES_FOLDED,
        meaning=_(field.meaning) if field.meaning else "",
    )


def proof_page(build: Build, data: bytes | None) -> ProofPage:
    """`data`: a proof file to check; None: nothing was given yet."""
    read = provenance_read(build)
    root = read.statement.merkle_root if read.statement is not None else ""
    command = f"python -m kettle_web.verification prove --check proof.json{f' --root {root}' if root else ''}"
    result = proof_result(data, root) if data is not None else None
    return ProofPage(frame_of(build), root, read.fault, result, command)


def proof_result(data: bytes, root: str) -> ProofResult:
    """Check a proof against the root that this build's provenance states."""
    try:
        proof = proof_parse(data)
    except ProvenanceError as error:
        return ProofResult("error", _("This could not be read as a proof: %(why)s.") % {"why": str(error)}, None, False)
    try:
        proof_check(proof)
    except ProvenanceError as error:
        return ProofResult("fail", _("The proof does not hold: %(why)s.") % {"why": str(error)}, proof, False)
    if not root or proof.root.hex() != root:
        return ProofResult("fail", _("The proof holds, but for another root: it is not of this build."), proof, False)
    return ProofResult("pass", _("The proof holds: this entry is among the inputs of this build's provenance."), proof, True)


def proof_bytes(document: dict[str, object]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
