"""What the policy demands beyond a recognised image, one row for each demand; what it does not demand gives no row."""

from __future__ import annotations

import hmac

from kettle_web.attestation.checks import CheckFailed, CheckImpossible, Passed, Step
from kettle_web.provenance.digests import is_git_object
from kettle_web.verification.checks import documents
from kettle_web.verification.checks.binding import LAYOUT
from kettle_web.verification.checks.request import address_normal
from kettle_web.verification.inquiry import Inquiry
from kettle_web.verification.policy import Policy
from kettle_web.verification.report import Link


def _builder_id(inquiry: Inquiry) -> Passed:
    allowed, actual = inquiry.policy.allowed_builder_ids, inquiry.document.builder_id
    if actual not in allowed:
        raise CheckFailed("policy.builder-id", "the policy does not allow this builder", expected=" or ".join(allowed), actual=actual)
    return Passed(" or ".join(allowed), actual)


def _build_type(inquiry: Inquiry) -> Passed:
    allowed, actual = inquiry.policy.allowed_build_types, inquiry.document.build_type
    if actual not in allowed:
        raise CheckFailed("policy.build-type", "the policy does not allow this build type", expected=" or ".join(allowed), actual=actual)
    return Passed(" or ".join(allowed), actual)


def _nonce(inquiry: Inquiry) -> Passed:
    found = inquiry.signed_data.nonce if inquiry.signed_data else b""
    if not found:
        raise CheckFailed("policy.nonce", "the policy demands a nonce, and the evidence was made without one", actual="zeros, or no place")
    if inquiry.nonce is None:
        raise CheckImpossible("policy.nonce-unknown", "the policy demands a nonce, and none was given to compare with")
    if not hmac.compare_digest(found, inquiry.nonce):
        raise CheckFailed("policy.nonce", "the evidence carries another nonce", expected=inquiry.nonce.hex(), actual=found.hex())
    return Passed(inquiry.nonce.hex(), found.hex())


def _repository(inquiry: Inquiry) -> Passed:
    wanted = inquiry.policy.required_source.repository if inquiry.policy.required_source else ""
    actual = inquiry.document.source_uri
    if address_normal(actual) != address_normal(wanted):
        raise CheckFailed("policy.repository", "the policy demands another repository", expected=wanted, actual=actual)
    return Passed(wanted, actual)


def _ref(inquiry: Inquiry) -> Passed:
    wanted = inquiry.policy.required_source.ref if inquiry.policy.required_source else ""
    commit, request = inquiry.document.git_commit, inquiry.request
    if is_git_object(wanted):
        if wanted != commit:
            raise CheckFailed("policy.ref", "the policy demands another commit", expected=wanted, actual=commit)
        return Passed(wanted, commit)
    if request is None or request.claimed or not request.repo_url or not request.resolved_commit:
        raise CheckImpossible("policy.ref-unknown", f"there is no record of what {wanted} pointed to when the build was asked for")
    if request.repo_ref.removeprefix("refs/heads/").removeprefix("refs/tags/") != wanted and request.repo_ref != wanted:
        raise CheckFailed("policy.ref", "another branch or tag was asked for", expected=wanted, actual=request.repo_ref or "default branch")
    if request.resolved_commit != commit:
        raise CheckFailed("policy.ref", "another commit was built", expected=request.resolved_commit, actual=commit)
    return Passed(f"{wanted}, which was {request.resolved_commit}", commit)


_DOCUMENT = (documents.PROVENANCE,)
_BUILDER_ID: Step[Inquiry] = Step(
    "policy.builder-id", "The policy allows this builder", Link.PROVENANCE, "The provenance names a builder id that the policy allows.",
    "That this builder wrote it: the name is a claim until the image is recognised.", _builder_id, _DOCUMENT,
)  # fmt: skip
_BUILD_TYPE: Step[Inquiry] = Step(
    "policy.build-type", "The policy allows this build type", Link.PROVENANCE, "The provenance names a build type that the policy allows.",
    "How the build was made: that is what the build type's definition says.", _build_type, _DOCUMENT,
)  # fmt: skip
_NONCE: Step[Inquiry] = Step(
    "policy.nonce", "The evidence carries the nonce that the policy demands", Link.SIGNED_DATA,
    "The evidence was made for the request whose nonce was given.", "Who asked.", _nonce, (LAYOUT,),
)  # fmt: skip
_REPOSITORY: Step[Inquiry] = Step(
    "policy.repository", "The source is the repository that the policy demands", Link.REQUEST,
    "The provenance names the repository that the policy demands.",
    "That the repository's owner made the commit: a fork's commits can be fetched through the same address.", _repository, _DOCUMENT,
)  # fmt: skip
_REF: Step[Inquiry] = Step(
    "policy.ref", "The commit is the one that the policy demands", Link.REQUEST,
    "The provenance names the commit that the policy demands, or the one that the demanded branch or tag pointed to when it was asked for.",
    "That anybody reviewed it.", _ref, _DOCUMENT,
)  # fmt: skip


def steps(policy: Policy) -> tuple[Step[Inquiry], ...]:
    """One step for each thing that the policy demands. Collateral has none: demanding it makes rows of the platform required."""
    source = policy.required_source
    demanded = (
        (_BUILDER_ID, policy.allowed_builder_ids),
        (_BUILD_TYPE, policy.allowed_build_types),
        (_NONCE, policy.required_nonce),
        (_REPOSITORY, source and source.repository),
        (_REF, source and source.ref),
    )
    return tuple(step for step, wanted in demanded if wanted)
