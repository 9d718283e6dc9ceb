"""A Verification Summary Attestation: what this site found, as a statement that other tools can read and that we sign.

It is our word, no hardware's: PASSED for `confirmed` alone, so that nothing simulated, unattested or unrecognised ever passes.
No SLSA level is claimed, because no allow-list can grant one.
Source: slsa.dev/spec/v1.1/verification_summary, in-toto Statement v1.
"""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import Any, Final

from django.http import Http404

from kettle_web.sharing.dsse import envelope
from kettle_web.sharing.shown import Shown
from kettle_web.sharing.signing_keys import key_in_use, signer
from kettle_web.verification.report import Verdict

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://slsa.dev/verification_summary/v1"
UNEVALUATED: Final = "SLSA_BUILD_LEVEL_UNEVALUATED"
SLSA_VERSION: Final = "1.1"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def summary_statement(shown: Shown, *, verifier_id: str) -> dict[str, Any]:
    """The statement about the files that the link shows. `verifier_id`: the site's public address.

    Raises `Http404` without any file: an in-toto statement is about at least one.
    """
    report = shown.report
    if not report.artifacts:
        raise Http404
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
            "policy": _policy(report.policy_version, verifier_id),
            "inputAttestations": [{"uri": f"urn:kettle:{name}", "digest": {"sha256": sha256}} for name, sha256 in inputs.items() if sha256],
            "verificationResult": "PASSED" if passed else "FAILED",
            "verifiedLevels": [UNEVALUATED] if passed else ["FAILED"],
            "slsaVersion": SLSA_VERSION,
            # Ours, beside the fields of the specification: why it is not PASSED where it is not.
            "kettleVerdict": report.now.verdict.value,
        },
    }


def _policy(version: str, verifier_id: str) -> dict[str, Any]:
    """A digest that is not one would make the statement unreadable: without a list none is stated."""
    policy: dict[str, Any] = {"uri": f"{verifier_id}/policy/"}
    return policy | ({"digest": {"sha256": version}} if _SHA256.fullmatch(version) else {})


def _resource_uri(shown: Shown) -> str:
    """Where the files come from: the source as the provenance states it, at its commit; else the first file's digest."""
    said = shown.report.provenance or {}
    uri, commit = str(said.get("source_uri") or ""), str(said.get("git_commit") or "")
    if uri:
        return f"{uri}@{commit}" if commit else uri
    return f"urn:sha256:{shown.report.artifacts[0].sha256}"


def summary_envelope(shown: Shown, *, verifier_id: str) -> dict[str, Any]:
    """The signed statement: names sorted, no white space, so that the same report gives the same bytes under the same key."""
    payload = json.dumps(
        summary_statement(shown, verifier_id=verifier_id), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()
    key = key_in_use()
    return envelope(payload, keyid=key.kid, sign=signer(key))
