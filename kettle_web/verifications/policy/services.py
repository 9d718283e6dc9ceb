"""Adding, approving and ending entries: the only writes to the allow-list. Each keeps the document that it leaves in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from kettle_web.builds.models import Build
from kettle_web.verification.policy import PolicyError
from kettle_web.verification.policy_json import MAX_TEXT
from kettle_web.verifications.clean import text_storable
from kettle_web.verifications.policy.errors import PolicyRefused
from kettle_web.verifications.policy.in_force import policy_in_force, site_policy, version_keep
from kettle_web.verifications.policy.models import AllowListEntry

MAX_OPEN: Final = 200
"""Entries that were not ended. Each costs every verification a comparison, and a person a line to read."""


@dataclass(frozen=True)
class EntryValues:
    """What an entry says, before anybody answers for it."""

    name: str
    kettle_release: str
    platform: str
    measurement: str
    reason: str
    derivation: str
    pcrs: dict[str, str] = field(default_factory=dict)
    rtmrs: dict[str, str] = field(default_factory=dict)
    minimum_tcb: dict[str, int] = field(default_factory=dict)
    isolates_build: str = AllowListEntry.Isolation.UNKNOWN
    in_force_from: datetime | None = None
    """None: at once."""
    in_force_until: datetime | None = None
    pinned_elsewhere_by: str = ""


def entry_row(values: EntryValues, *, actor: User, now: datetime, build: Build | None = None) -> AllowListEntry:
    """The entry as it would be stored; nothing is written. Raises `PolicyRefused` for what the verifier would not take."""
    start = values.in_force_from or now
    if values.in_force_until is not None and values.in_force_until <= max(start, now):
        raise PolicyRefused("until", _("The entry would be over before it begins: choose a later end."))
    if values.platform.startswith("az-") and not values.pcrs:
        raise PolicyRefused("azure-without-pcrs", azure_reason())
    row = AllowListEntry(
        name=_line(values.name, 100),
        kettle_release=_line(values.kettle_release, 100),
        platform=values.platform,
        measurement=values.measurement,
        pcrs=values.pcrs,
        rtmrs=values.rtmrs,
        minimum_tcb=values.minimum_tcb,
        isolates_build=values.isolates_build,
        reason=_line(values.reason, MAX_TEXT),
        derivation=_line(values.derivation, MAX_TEXT),
        pinned_elsewhere_by=_line(values.pinned_elsewhere_by, 200),
        from_build=build,
        added_by=actor,
        added_at=now,
        in_force_from=start,
        in_force_until=values.in_force_until,
    )
    try:
        site_policy([row])
    except PolicyError as error:
        raise PolicyRefused("entry", _("The verifier does not take this entry: %(reason)s.") % {"reason": error}) from error
    return row


def _line(text: str, most: int) -> str:
    """One line, as the policy's document has it. Raises `PolicyRefused` for more than `most` characters."""
    line = " ".join(text_storable(text).split())
    if len(line) > most:
        raise PolicyRefused("too-long", _("A text is longer than %(most)d characters: «%(text)s…».") % {"most": most, "text": line[:40]})
    return line


def azure_reason() -> str:
    """Why an entry for Azure needs registers."""
    return _(
        "On Azure the launch measurement covers only Azure's own paravisor, which every machine of the kind shares: without at least "
        "one PCR this entry would recognise everybody's machines. Choose the PCRs that measure the builder image."
    )


@transaction.atomic
def entries_add(values: Sequence[EntryValues], *, actor: User, now: datetime, build: Build | None = None) -> list[AllowListEntry]:
    """Add entries, all or none. Raises `PolicyRefused`: not an administrator, refused by the verifier, or there already."""
    _administrator_require(actor)
    rows = [entry_row(item, actor=actor, now=now, build=build) for item in values]
    # Locked, so that a form sent twice at once adds one entry.
    kept = list(
        AllowListEntry.objects.select_for_update(of=("self",)).filter(ended_at__isnull=True).select_related("added_by", "approved_by")
    )
    if len(kept) + len(rows) > MAX_OPEN:
        raise PolicyRefused("too-many", _("The allow-list has %(most)d entries already: end some first.") % {"most": MAX_OPEN})
    known = {_identity(row) for row in kept if row.in_force_until is None or row.in_force_until > now}
    for row in rows:
        if _identity(row) in known:
            raise PolicyRefused("there-already", _("«%(name)s» is on the list already, with the same values.") % {"name": row.name})
        known.add(_identity(row))
        row.save(force_insert=True)
    try:
        site_policy([*rows, *kept])
    except PolicyError as error:
        raise PolicyRefused("list", _("The verifier would not take the whole list any more: %(reason)s.") % {"reason": error}) from error
    version_keep(policy_in_force(now), now=now)
    return rows


def _identity(row: AllowListEntry) -> str:
    values = (row.name, row.platform, row.measurement, sorted(row.pcrs.items()), sorted(row.rtmrs.items()))
    return repr((*values, sorted(row.minimum_tcb.items()), str(row.isolates_build), row.in_force_until))


@transaction.atomic
def entry_approve(*, entry: AllowListEntry, actor: User, now: datetime) -> None:
    """Approve someone else's entry. Raises `PolicyRefused`."""
    _administrator_require(actor)
    if entry.added_by_id == actor.pk:
        raise PolicyRefused("own-entry", _("You added this entry: another administrator has to approve it."))
    waiting = AllowListEntry.objects.filter(pk=entry.pk, approved_at__isnull=True, ended_at__isnull=True)
    if not waiting.update(approved_by=actor, approved_at=now):
        raise PolicyRefused("not-waiting", _("This entry does not wait for approval any more."))
    version_keep(policy_in_force(now), now=now)


@transaction.atomic
def entry_end(*, entry: AllowListEntry, actor: User, reason: str, now: datetime) -> None:
    """End an entry, for good. Raises `PolicyRefused`."""
    _administrator_require(actor)
    reason = _line(reason, MAX_TEXT)
    if not reason:
        raise PolicyRefused("no-reason", _("Say why the entry ends."))
    running = AllowListEntry.objects.filter(pk=entry.pk, ended_at__isnull=True)
    if not running.update(ended_by=actor, ended_at=now, end_reason=reason):
        raise PolicyRefused("ended-already", _("This entry has been ended already."))
    version_keep(policy_in_force(now), now=now)


def _administrator_require(actor: User) -> None:
    if not actor.is_staff or not actor.is_active:
        raise PolicyRefused("not-administrator", _("Only an administrator can do this."))


def needs_second_approver() -> bool:
    return bool(settings.POLICY_NEEDS_SECOND_APPROVER)
