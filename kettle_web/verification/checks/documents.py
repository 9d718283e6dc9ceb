"""Can the two documents be read at all?"""

from __future__ import annotations

from kettle_web.attestation.checks import CheckFailed, CheckImpossible, Passed, Step
from kettle_web.attestation.envelope import envelope_parse
from kettle_web.provenance.statement import statement_parse
from kettle_web.verification.inquiry import Inquiry, NotAsked
from kettle_web.verification.report import Link

EVIDENCE = "documents.evidence"
PROVENANCE = "documents.provenance"


def _evidence(inquiry: Inquiry) -> Passed:
    if inquiry.evidence_bytes is None:
        if inquiry.endpoint_attests:
            raise CheckFailed("evidence.absent", "the server is marked as one that attests, but its result holds no evidence.json")
        raise NotAsked("evidence.absent", "there is no evidence.json")
    envelope = envelope_parse(inquiry.evidence_bytes)
    inquiry.platform, inquiry.evidence = envelope.platform, envelope.evidence
    return Passed(actual=f"{len(inquiry.evidence_bytes)} bytes, platform tag {envelope.platform}")


def _provenance(inquiry: Inquiry) -> Passed:
    if inquiry.provenance_bytes is None:
        raise CheckImpossible("provenance.absent", "there is no provenance.json")
    inquiry.statement = statement_parse(inquiry.provenance_bytes)
    return Passed(actual=f"{len(inquiry.provenance_bytes)} bytes")


EVIDENCE_STEP: Step[Inquiry] = Step(
    code=EVIDENCE,
    title="The evidence can be read",
    link=Link.DOCUMENTS,
    proves="evidence.json is one JSON object with a platform tag, read strictly.",
    does_not_prove="The platform tag is the attester's claim: it selects the checks and proves nothing.",
    run=_evidence,
)
PROVENANCE_STEP: Step[Inquiry] = Step(
    code=PROVENANCE,
    title="The provenance can be read",
    link=Link.DOCUMENTS,
    proves="provenance.json is a statement of the shape that Kettle writes, and two readers read the same in it.",
    does_not_prove="Nothing yet about whether what it says is true.",
    run=_provenance,
)
