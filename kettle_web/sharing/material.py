"""What the verifier in the visitor's browser works on: the shape of `static/js/verify/README.md`. The server's word is apart."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from kettle_web.archives.limits import EVIDENCE_BYTES, PROVENANCE_BYTES
from kettle_web.builds.models import Build
from kettle_web.core.blobs import blob_read
from kettle_web.sharing.parts import Part
from kettle_web.sharing.shown import Shown
from kettle_web.verifications.models import PolicyVersion, Report
from kettle_web.verifications.selectors import attempt_answered
from kettle_web.verifications.words import sentence, translated, verdict_word

SCHEMA: Final = 1
DOCUMENTS: Final = {"provenance": ("provenance.json", PROVENANCE_BYTES), "evidence": ("evidence.json", EVIDENCE_BYTES)}


def material_document(shown: Shown, *, file_url: Callable[[str], str] | None) -> dict[str, Any]:
    """The material. With `file_url` the documents are named by their address; without, as in a proof, they are in it as base64."""
    digests = {"provenance": shown.row.provenance_sha256, "evidence": shown.row.evidence_sha256}
    documents, hidden = {}, []
    for kind, (name, _limit) in DOCUMENTS.items():
        is_shown = shown.shows_document(name)
        documents[kind] = _document(digests[kind], name, file_url) if digests[kind] and is_shown else None
        if digests[kind] and not is_shown:
            hidden.append(kind)
    return {
        "schema": SCHEMA,
        "documents": documents,
        "hidden": hidden,
        "nonce_hex": shown.nonce_hex,
        **_records(shown),
        "policy": policy_shown(shown),
        "collateral": shown.report.collateral,
        "server": _server(shown),
    }


def document_bytes(sha256: str, kind: str) -> bytes:
    """A stored document, read under the cap of its kind."""
    return blob_read(sha256, DOCUMENTS[kind][1])


def _document(sha256: str, name: str, file_url: Callable[[str], str] | None) -> dict[str, str]:
    if file_url is not None:
        return {"url": file_url(name), "sha256": sha256}
    data = document_bytes(sha256, name.removesuffix(".json"))
    return {"name": name, "sha256": sha256, "base64": base64.b64encode(data).decode("ascii")}


def _records(shown: Shown) -> dict[str, Any]:
    """What this site wrote down when it asked for the build; nothing of it where the values behind the checks are not shown."""
    build = shown.build
    none = {"request": None, "received_at": None, "nonce_made_at": None, "endpoint_attests": False}
    if not shown.has(Part.PROVENANCE):
        return none
    if build.origin == Build.Origin.IMPORT:
        return none | {"request": _request(build, claimed=True)}
    attempt = attempt_answered(build)
    received = Report.objects.filter(build=build).order_by("pk").values_list("created_at", flat=True).first()
    return {
        "request": _request(build, claimed=False),
        "received_at": received.isoformat() if received else None,
        "nonce_made_at": attempt.created_at.isoformat() if attempt is not None else None,
        "endpoint_attests": build.endpoint.attests if build.endpoint is not None else False,
    }


def _request(build: Build, *, claimed: bool) -> dict[str, Any]:
    return {
        "repo_url": "" if claimed else build.repo_url,
        "repo_ref": "" if claimed else build.repo_ref,
        "resolved_commit": "" if claimed else build.resolved_commit,
        "git_tree": "" if claimed else build.source_git_tree,
        "lockfile_sha256": "" if claimed else build.source_lockfile_sha256,
        "claimed": claimed,
    }


def policy_shown(shown: Shown) -> dict[str, Any] | None:
    """The entry that the verdict rests on, as the allow-list has it. Entries for other builders are nobody's business here."""
    matched = shown.report.policy_entry
    if not shown.has(Part.PROVENANCE) or not shown.report.policy_version:
        return None
    kept = PolicyVersion.objects.filter(pk=shown.report.policy_version).values_list("document", flat=True).first()
    document: dict[str, Any] = json.loads(kept) if kept else {"schema": SCHEMA, "entries": []}
    wanted = (matched["name"], matched["platform"]) if matched else None
    entries = [entry for entry in document["entries"] if (entry["name"], entry["platform"]) == wanted]
    return {"schema": document["schema"], "version": shown.report.policy_version, "entries": entries}


def _server(shown: Shown) -> dict[str, Any]:
    report = shown.report
    return {
        "verdict": report.now.verdict.value,
        "word": verdict_word(report.now.verdict.value),
        "at": report.now.at.isoformat(),
        "headline": sentence(report.now.headline),
        "checks": [
            {
                "code": check.code,
                "title": translated(check.title),
                "outcome": check.outcome.value,
                "required": check.required,
                "reason": translated(check.reason),
                "reason_code": check.reason_code,
            }
            for check in report.checks
        ],
    }
