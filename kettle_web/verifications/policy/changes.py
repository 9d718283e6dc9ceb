"""A change before it is made: what it would move, and a token that names exactly what was shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from kettle_web.core.dispatch import enqueue
from kettle_web.verifications.policy.fragments import Preview
from kettle_web.verifications.policy.in_force import entries_in_force, policy_in_force, site_policy
from kettle_web.verifications.policy.models import AllowListEntry
from kettle_web.verifications.policy.preview import preview_make


def preview_of_adding(rows: Iterable[AllowListEntry], *, now: datetime) -> Preview:
    """What would move once these entries count: now, or when the last of them begins."""
    new = list(rows)
    at = max([now, *(row.in_force_from for row in new)])
    added = {row.pk for row in new if row.pk}
    # A later decision goes before an earlier one.
    after = site_policy([*new, *(row for row in entries_in_force(now) if row.pk not in added)])
    return preview_make(after=after.policy, measurements={row.measurement for row in new}, at=at, now=now)


def preview_of_ending(entry: AllowListEntry, *, now: datetime) -> Preview:
    """What would move if this entry counted no longer."""
    after = site_policy(row for row in entries_in_force(now) if row.pk != entry.pk)
    return preview_make(after=after.policy, measurements={entry.measurement}, at=now, now=now)


def change_token(what: str, *, now: datetime) -> str:
    """Names a change and the policy that it was shown against: a change of either is shown again before it is made."""
    return hashlib.sha256(f"{policy_in_force(now).version}\n{what}".encode()).hexdigest()


def moved_verify_again(preview: Preview) -> int:
    """Judge the builds again that a change moves, beside their earlier reports; gives how many, of those that were looked at."""
    if preview.is_later:
        return 0
    for pk in preview.moved_pks:
        enqueue("verifications.verify_build_again", pk, "policy")
    if preview.is_capped:
        enqueue("verifications.verify_moved_again", list(preview.measurements), preview.oldest_pk)
    return preview.moved


def moved_verify_again_below(measurements: list[str], *, below: int, now: datetime) -> None:
    """Go on with older builds: those whose verdict is not what the list now in force makes of them."""
    policy = policy_in_force(now).policy
    moved_verify_again(preview_make(after=policy, measurements=measurements, at=now, now=now, below=below))
