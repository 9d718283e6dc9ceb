"""What another allow-list would make of a bundle that was judged before: from its report alone, without its bytes.

Only two rows depend on the list: whether the builder image is recognised, and the minimum firmware level of the entry that
recognises it. Everything else stays as it was judged; dates are not judged again. It is a preview, never a report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from kettle_web.attestation.anchors import AnchorSet
from kettle_web.attestation.checks import CheckFailed, CheckSkipped
from kettle_web.attestation.platforms import Context
from kettle_web.attestation.platforms.amd_chain import minimum_tcb
from kettle_web.verification.checks.image import ALLOW_LIST
from kettle_web.verification.policy import Policy, PolicyEntry
from kettle_web.verification.report import Check, Outcome, ReportUnreadable, Verdict, check_from_json
from kettle_web.verification.verdict import verdict_of

PARTS: Final = ("platform", "claims", "checks", "anchor_kind", "evidence_sha256")
"""Of the report's JSON: what is needed, so that the rest of a large one need not be read."""
_MINIMUM_TCB: Final = ".minimum-tcb"
_NOT_REACHED: Final = "depends"


def verdict_under(policy: Policy, parts: Mapping[str, Any], now: datetime) -> Verdict:
    """The verdict that the report with these parts would have under `policy`. Raises `ReportUnreadable`."""
    try:
        checks = tuple(check_from_json(item) for item in parts["checks"])
        platform, claims = str(parts["platform"]), dict(parts["claims"])
        has_evidence, anchor_kind = bool(parts["evidence_sha256"]), str(parts["anchor_kind"])
    except (KeyError, TypeError, ValueError) as error:
        raise ReportUnreadable(f"not a report: {error}") from error
    entry = policy.entry_for(platform, claims, now)
    changed = tuple(_under(check, entry, claims, now) for check in checks)
    return verdict_of(changed, has_evidence=has_evidence, anchor_kind=anchor_kind)


def _under(check: Check, entry: PolicyEntry | None, claims: dict[str, Any], now: datetime) -> Check:
    if check.reason_code == _NOT_REACHED:
        return check
    if check.code == ALLOW_LIST:
        return replace(check, outcome=Outcome.PASS if entry else Outcome.ERROR)
    if check.code.endswith(_MINIMUM_TCB):
        # Nobody has to set a minimum; only one that is set and not reached counts.
        outcome = _firmware(entry, claims, now)
        return replace(check, outcome=outcome, required=outcome is Outcome.FAIL)
    return check


def _firmware(entry: PolicyEntry | None, claims: dict[str, Any], now: datetime) -> Outcome:
    wanted = entry.minimum_tcb if entry else {}
    context = Context({}, anchors=AnchorSet(()), now=now, minimum_tcb_for=lambda _claims: wanted or None)
    context.claims = claims
    try:
        minimum_tcb(context)
    except CheckSkipped:
        return Outcome.SKIPPED
    except CheckFailed:
        return Outcome.FAIL
    return Outcome.PASS
