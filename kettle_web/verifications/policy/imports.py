"""A policy file as entries that an administrator here would answer for."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.strict_json import json_parse
from kettle_web.verification.policy import Policy, PolicyEntry, PolicyError
from kettle_web.verification.policy_json import POLICY_LIMIT, entry_parse, policy_parse
from kettle_web.verifications.policy.errors import PolicyRefused
from kettle_web.verifications.policy.models import AllowListEntry
from kettle_web.verifications.policy.services import EntryValues

_ISOLATION = {True: AllowListEntry.Isolation.YES, False: AllowListEntry.Isolation.NO, None: AllowListEntry.Isolation.UNKNOWN}


def policy_file_read(text: str) -> list[EntryValues]:
    """The entries of a policy file, or the one entry that `… measurements` prints.

    Raises `PolicyRefused` for anything that the verifier or this list would not take.
    """
    data = text.encode(errors="surrogatepass")
    try:
        single = _single_entry(data)
        policy = Policy(entries=(entry_parse(single),)) if single is not None else policy_parse(data)
    except PolicyError as error:
        raise PolicyRefused("file", _("The verifier does not take this file: %(reason)s.") % {"reason": error}) from error
    demands = _demands(policy)
    if demands:
        # Taking the entries and dropping the demands would make a laxer policy of the same name.
        raise PolicyRefused(
            "demands",
            _("This site's list holds builder images only; the file also demands %(what)s. Take that out of it.") % {"what": demands},
        )
    if not policy.entries:
        raise PolicyRefused("no-entries", _("The file has no entries."))
    return [_values(entry) for entry in policy.entries]


def _single_entry(data: bytes) -> object | None:
    try:
        value = json_parse(data, max_bytes=POLICY_LIMIT, what="the file")
    except ProvenanceError as error:
        raise PolicyError(str(error)) from error
    return value if isinstance(value, dict) and "platform" in value and "schema" not in value else None


def _demands(policy: Policy) -> str:
    found = {
        "allowed_builder_ids": policy.allowed_builder_ids,
        "allowed_build_types": policy.allowed_build_types,
        "required_nonce": policy.required_nonce,
        "required_collateral": policy.required_collateral,
        "required_source": policy.required_source,
    }
    return ", ".join(name for name, value in found.items() if value)


def _values(entry: PolicyEntry) -> EntryValues:
    return EntryValues(
        name=entry.name,
        kettle_release=entry.kettle_release,
        platform=entry.platform,
        measurement=entry.measurement,
        pcrs={str(index): value for index, value in entry.pcrs.items()},
        rtmrs={str(index): value for index, value in entry.rtmrs.items()},
        minimum_tcb=entry.minimum_tcb,
        isolates_build=_ISOLATION[entry.isolates_build_from_attester],
        reason=entry.reason,
        derivation=entry.derivation,
        in_force_from=entry.valid_from,
        in_force_until=entry.valid_until,
        pinned_elsewhere_by=entry.pinned_by,
    )
