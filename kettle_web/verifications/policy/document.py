"""Entries as the JSON document that the verifier reads (`kettle_web.verification.policy_json`), in its one canonical form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from kettle_web.verification.policy import Policy
from kettle_web.verification.policy_json import SCHEMA, policy_parse
from kettle_web.verifications.policy.models import AllowListEntry

ISOLATES: Final = {AllowListEntry.Isolation.YES: True, AllowListEntry.Isolation.NO: False, AllowListEntry.Isolation.UNKNOWN: None}


def pinned_by(entry: AllowListEntry) -> str:
    """Who answers for an entry: whoever added it, and whoever approved it."""
    if entry.approved_by is None:
        return entry.added_by.get_username()
    return f"{entry.added_by.get_username()}, approved by {entry.approved_by.get_username()}"


def entry_document(entry: AllowListEntry) -> dict[str, Any]:
    """One entry; what it leaves open is left out."""
    values: dict[str, Any] = {
        "name": entry.name,
        "kettle_release": entry.kettle_release,
        "platform": entry.platform,
        "mr_td" if entry.platform.endswith("tdx") else "measurement": entry.measurement,
        "pcrs": entry.pcrs,
        "rtmrs": entry.rtmrs,
        "minimum_tcb": entry.minimum_tcb,
        "pinned_by": pinned_by(entry),
        "reason": entry.reason,
        "derivation": entry.derivation,
        "from": entry.in_force_from.isoformat(),
        "until": entry.in_force_until.isoformat() if entry.in_force_until else "",
    }
    isolates = ISOLATES[AllowListEntry.Isolation(entry.isolates_build)]
    return {name: value for name, value in values.items() if value != "" and value != {}} | {"isolates_build_from_attester": isolates}


def policy_document(entries: Iterable[AllowListEntry]) -> bytes:
    """The document of these entries, in their order: UTF-8, names sorted, no white space, no line break at its end."""
    document = {"schema": SCHEMA, "entries": [entry_document(entry) for entry in entries]}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def document_version(document: bytes) -> str:
    """What reports cite: the document's SHA-256 in hex."""
    return hashlib.sha256(document).hexdigest()


def policy_read(document: bytes) -> Policy:
    """The document as the verifier takes it. Raises `PolicyError` for entries that it refuses."""
    if json.loads(document)["entries"]:
        return policy_parse(document)
    # In a file that somebody wrote, no entries are a mistake; a site begins without any.
    return Policy(document_version(document))
