"""The policy of a moment, and its document, kept for whoever reads a report that cites it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from kettle_web.verification.policy import Policy, PolicyError
from kettle_web.verification.policy_json import entry_parse
from kettle_web.verifications.policy.document import document_version, entry_document, policy_document, policy_read
from kettle_web.verifications.policy.models import AllowListEntry, KeptQuerySet, PolicyVersion

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SitePolicy:
    """An allow-list at one moment."""

    policy: Policy
    document: bytes
    """Canonical JSON; its SHA-256 is `version`."""
    version: str
    entry_count: int


def site_policy(entries: Iterable[AllowListEntry]) -> SitePolicy:
    """The policy that these entries make. Raises `PolicyError`."""
    rows = list(entries)
    document = policy_document(rows)
    return SitePolicy(policy_read(document), document, document_version(document), len(rows))


def entries_in_force(now: datetime) -> KeptQuerySet:
    """The entries that count at a moment, the latest first. With a second approver, only approved ones do."""
    counts = Q(added_at__lte=now, in_force_from__lte=now)
    counts &= Q(in_force_until__isnull=True) | Q(in_force_until__gt=now)
    counts &= Q(ended_at__isnull=True) | Q(ended_at__gt=now)
    if settings.POLICY_NEEDS_SECOND_APPROVER:
        counts &= Q(approved_at__lte=now)
    return AllowListEntry.objects.filter(counts).select_related("added_by", "approved_by").order_by("-pk")


def policy_in_force(now: datetime) -> SitePolicy:
    """The site's policy at a moment: one query."""
    rows = list(entries_in_force(now))
    try:
        return site_policy(rows)
    except PolicyError:
        # A later version of the verifier may be stricter than the one that took an entry: that one stops counting, the rest does not.
        return site_policy([row for row in rows if is_readable(row)])


def is_readable(entry: AllowListEntry) -> bool:
    """Whether the verifier still takes an entry."""
    try:
        entry_parse(entry_document(entry))
    except PolicyError as error:
        logger.error("Entry %s of the allow-list does not count: %s.", entry.uid, error)
        return False
    return True


def version_keep(policy: SitePolicy, *, now: datetime) -> None:
    """Keep the document for ever, before or with the first report that cites it."""
    PolicyVersion.objects.get_or_create(
        sha256=policy.version,
        defaults={"document": policy.document.decode(), "entry_count": policy.entry_count, "first_seen_at": now},
    )
