"""All checks of one bundle, in their order, and the two judgements that follow.

1. The evidence can be read, and the platform's procedure leads from the vendor's root to the signed field. 2. The provenance
can be read. 3. The signed field covers the document and the nonce; the evidence is not another build's. 4. The builder image is
on the allow-list, and what else the policy demands holds. 5. The document is a build provenance and agrees with itself. 6. It is
what was asked for. 7. Its inputs give its root. 8. Its files match.
The whole is judged twice: at `now`, and at the time of the build; only dates, of certificates, lists and allow-list entries, can
differ between the two.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kettle_web.attestation.anchors import Anchor, AnchorSet, anchors_builtin
from kettle_web.attestation.checks import Step
from kettle_web.attestation.collateral import CollateralSource, collateral_to_json
from kettle_web.attestation.platforms import procedure_for
from kettle_web.provenance.summary import summary
from kettle_web.verification import sentences
from kettle_web.verification.artifacts import ArtifactSource
from kettle_web.verification.checks import binding, demands, documents, files, image, inputs, reference, request, statement
from kettle_web.verification.executor import Executor
from kettle_web.verification.inquiry import Inquiry, ReferenceFiles, Request
from kettle_web.verification.moments import WatchedContext, WatchedInquiry
from kettle_web.verification.policy import Policy
from kettle_web.verification.report import Check, Judgement, Outcome, Report, ValidUntil, Verdict
from kettle_web.verification.verdict import EXIT_STATUSES, verdict_of


@dataclass(frozen=True)
class Findings:
    """One judgement with everything that it rests on."""

    inquiry: WatchedInquiry
    executor: Executor
    verdict: Verdict
    platform_title: str
    context: WatchedContext | None
    """None: the evidence could not be read."""

    @property
    def checks(self) -> tuple[Check, ...]:
        return self.executor.checks

    @property
    def anchor(self) -> Anchor | None:
        return self.context.anchor if self.context else None

    @property
    def anchor_kind(self) -> str:
        return self.anchor.kind if self.anchor else ""

    @property
    def judgement(self) -> Judgement:
        text = sentences.headline(self.verdict, self.checks, self.inquiry, platform_title=self.platform_title)
        return Judgement(self.verdict, self.inquiry.judged_at, text)


def run_checks(
    *,
    provenance_bytes: bytes | None,
    evidence_bytes: bytes | None,
    artifacts: ArtifactSource | None,
    request: Request | None = None,
    nonce: bytes | None = None,
    policy: Policy | None = None,
    anchors: AnchorSet | None = None,
    collateral: CollateralSource | None = None,
    require_collateral: bool = False,
    now: datetime,
    endpoint_attests: bool = False,
    evidence_seen_in: str | None = None,
    received_at: datetime | None = None,
    nonce_made_at: datetime | None = None,
    want_artifacts: bool = True,
    reference: ReferenceFiles | None = None,
) -> Report:
    """The report on a bundle. Never raises because of what is in one.

    `now` and the other moments carry a time zone. `nonce`: 16 bytes, None: none was asked for. `evidence_seen_in`: the build
    that this evidence is already stored with; empty: looked, in none; None: nobody looked. `want_artifacts`: False leaves the
    files out, as asked, and the headline says so. `collateral`: where the vendor's lists come from, None: from nowhere;
    `require_collateral`: what could not be checked for want of them leaves the verdict incomplete.
    `reference`: files of the builder image that must be the attested one.
    """
    inquiry = WatchedInquiry(
        provenance_bytes=provenance_bytes,
        evidence_bytes=evidence_bytes,
        artifacts=artifacts,
        now=now,
        judged_at=now,
        request=request,
        nonce=nonce,
        policy=policy or Policy(),
        endpoint_attests=endpoint_attests,
        evidence_seen_in=evidence_seen_in,
        received_at=received_at,
        nonce_made_at=nonce_made_at,
        want_artifacts=want_artifacts,
        reference=reference,
        require_collateral=require_collateral or (policy is not None and policy.required_collateral),
    )
    anchors = anchors or anchors_builtin()
    today = _judge(inquiry, anchors, collateral)
    as_of_build: Judgement | None = None
    if inquiry.statement is not None:
        built_at = inquiry.statement.finished_on or inquiry.statement.started_on
        # The claim is bounded by what we know: nothing was built after we look at it, or after its result came.
        built_at = min(built_at, now, received_at or now)
        as_of_build = _judge(inquiry.at(built_at), anchors, None, today).judgement
    return _report(today, as_of_build)


def _judge(inquiry: WatchedInquiry, anchors: AnchorSet, collateral: CollateralSource | None, before: Findings | None = None) -> Findings:
    """`before`: the same question at another moment; then what was found and got there is used, and nothing is asked for twice."""
    executor = Executor(before.executor if before else None)
    executor.run(documents.EVIDENCE_STEP, inquiry)
    title, codes, context = _attestation(executor, inquiry, anchors, collateral, before.context if before else None)
    if context is not None:
        inquiry.signed_field, inquiry.claims = context.signed_data, dict(context.claims)
    own: tuple[Step[Inquiry], ...] = (
        documents.PROVENANCE_STEP,
        *binding.steps(codes),
        *image.STEPS,
        *reference.steps(inquiry.reference, codes),
        *demands.steps(inquiry.policy),
        *statement.STEPS,
        *request.STEPS,
        *inputs.STEPS,
        *files.STEPS,
    )
    for step in own:
        executor.run(step, inquiry)
    anchor = context.anchor if context else None
    verdict = verdict_of(executor.checks, has_evidence=inquiry.evidence_bytes is not None, anchor_kind=anchor.kind if anchor else "")
    return Findings(inquiry, executor, verdict, title, context)


def _attestation(
    executor: Executor,
    inquiry: WatchedInquiry,
    anchors: AnchorSet,
    collateral: CollateralSource | None,
    before: WatchedContext | None,
) -> tuple[str, tuple[str, ...], WatchedContext | None]:
    """Runs the platform's procedure; gives its title, the codes that signed data rests on, and what it found."""
    if executor.outcome(documents.EVIDENCE) is not Outcome.PASS:
        return "", (), None
    procedure, moment = procedure_for(inquiry.platform), inquiry.judged_at

    def minimum(claims: dict[str, Any]) -> dict[str, int] | None:
        entry = inquiry.policy.entry_for(inquiry.platform, claims, moment)
        return (entry.minimum_tcb or None) if entry else None

    if before is None:
        context = WatchedContext(inquiry.evidence, anchors=anchors, now=moment, collateral=collateral, minimum_tcb_for=minimum)
    else:
        context = before.at(moment, minimum)
    for step in procedure.steps:
        demanded = step.rests_on_collateral and inquiry.require_collateral
        executor.run(replace(step, required=True) if demanded else step, context)
    # Dates are judged in rows of their own: an expired certificate does not change what was signed.
    codes = tuple(step.code for step in procedure.steps if step.required and not step.code.endswith(".validity"))
    return procedure.title, codes, context


def _report(today: Findings, as_of_build: Judgement | None) -> Report:
    inquiry = today.inquiry
    signed, entry = inquiry.signed_data, inquiry.policy_entry
    artifacts_row = next(check for check in today.checks if check.code == files.DIGESTS)
    return Report(
        now=today.judgement,
        as_of_build=as_of_build,
        exit_status=EXIT_STATUSES[today.verdict],
        platform=inquiry.platform,
        platform_title=today.platform_title,
        anchor_name=today.anchor.name if today.anchor else "",
        anchor_kind=today.anchor_kind,
        checks=today.checks,
        artifacts=files.results_shown(inquiry, artifacts_row.reason),
        not_checked=sentences.not_checked(today.checks, inquiry),
        does_not_prove=sentences.does_not_prove(inquiry, anchor_kind=today.anchor_kind),
        claims=inquiry.claims,
        provenance=summary(inquiry.statement) if inquiry.statement else None,
        signed_data=None
        if signed is None
        else {
            "layout": signed.layout,
            "title": binding.LAYOUT_TITLES[signed.layout],
            "length": len(signed.data),
            "hex": signed.data.hex(),
            "nonce_hex": signed.nonce.hex(),
        },
        valid_until=tuple(ValidUntil(*item) for item in today.context.validity) if today.context else (),
        provenance_sha256=inquiry.statement.raw_sha256.hex() if inquiry.statement else _sha256_hex(inquiry.provenance_bytes),
        evidence_sha256=_sha256_hex(inquiry.evidence_bytes),
        policy_version=inquiry.policy.version,
        policy_entry=entry.to_json() if entry else None,
        collateral=(collateral_to_json(today.context.collateral_used) or None) if today.context else None,
    )


def _sha256_hex(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()
