"""A Verification Summary Attestation: what this site found, as a statement that other tools can read and that we sign.

It is our word, no hardware's: PASSED for `confirmed` alone, so that nothing simulated, unattested or unrecognised ever passes.
No SLSA level is claimed, because no allow-list can grant one.
Source: slsa.dev/spec/v1.1/verification_summary, in-toto Statement v1.
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any, Final

from kettle_web.sharing.dsse import envelope
from kettle_web.sharing.shown import Shown
from kettle_web.sharing.signing_keys import key_in_use, signer
from kettle_web.verification.report import Verdict

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://slsa.dev/verification_summary/v1"
UNEVALUATED: Final = "SLSA_BUILD_LEVEL_UNEVALUATED"
SLSA_VERSION: Final = "1.1"


def summary_statement(shown: Shown, *, verifier_id: str) -> dict[str, Any]:
    """The statement about the files that the link shows. `verifier_id`: the site's public address."""
    report = shown.report
    passed = report.now.verdict is Verdict.CONFIRMED
    inputs = {"provenance.json": shown.row.provenance_sha256, "evidence.json": shown.row.evidence_sha256}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": item.name, "digest": {"sha256": item.sha256}} for item in report.artifacts],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifier": {"id": verifier_id},
            "timeVerified": report.now.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "resourceUri": _resource_uri(shown),
            "policy": {"uri": f"{verifier_id}/policy/", "digest": {"sha256": report.policy_version}},
            "inputAttestations": [{"uri": f"urn:kettle:{name}", "digest": {"sha256": sha256}} for name, sha256 in inputs.items() if sha256],
            "verificationResult": "PASSED" if passed else "FAILED",
            "verifiedLevels": [UNEVALUATED] if passed else ["FAILED"],
            "slsaVersion": SLSA_VERSION,
            # Ours, beside the fields of the specification: why it is not PASSED where it is not.
            "kettleVerdict": report.now.verdict.value,
        },
    }


def _resource_uri(shown: Shown) -> str:
    """Where the files come from: the source as the provenance states it, at its commit; else the first file's digest."""
    said = shown.report.provenance or {}
    uri, commit = str(said.get("source_uri") or ""), str(said.get("git_commit") or "")
    if uri:
        return f"{uri}@{commit}" if commit else uri
    return f"urn:sha256:{shown.report.artifacts[0].sha256}" if shown.report.artifacts else "urn:kettle:unknown"


def summary_envelope(shown: Shown, *, verifier_id: str) -> dict[str, Any]:
    """The signed statement: names sorted, no white space, so that the same report gives the same bytes under the same key."""
    payload = json.dumps(
        summary_statement(shown, verifier_id=verifier_id), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()
    key = key_in_use()
    return envelope(payload, keyid=key.kid, sign=signer(key))
