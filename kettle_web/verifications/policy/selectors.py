"""Reads of the allow-list, for administrators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Case, F, Q, QuerySet, When
from django.http import Http404
from django.utils.translation import gettext as _

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import build_for_viewer
from kettle_web.verification.measuring import USUAL_PCRS, USUAL_RTMRS
from kettle_web.verification.policy import PLATFORM_FAMILIES, REGISTERS
from kettle_web.verification.report import Outcome, Report, report_from_json
from kettle_web.verifications.models import Report as ReportRow
from kettle_web.verifications.policy import words
from kettle_web.verifications.policy.errors import PolicyRefused
from kettle_web.verifications.policy.fragments import EntryView, FromBuild, ListPage, RegisterRow, VersionRow
from kettle_web.verifications.policy.in_force import policy_in_force
from kettle_web.verifications.policy.models import AllowListEntry, KeptQuerySet, PolicyVersion
from kettle_web.verifications.policy.services import needs_second_approver

ENDED_SHOWN: Final = 50
VERSIONS_SHOWN: Final = 20


def _entries() -> KeptQuerySet:
    people_and_build = ("added_by", "approved_by", "ended_by", "from_build")
    return AllowListEntry.objects.select_related(*people_and_build)


def entry_get(uid: str) -> AllowListEntry:
    """Raises `Http404`."""
    entry = _entries().filter(uid=uid).first()
    if entry is None:
        raise Http404
    return entry


def standing(entry: AllowListEntry, now: datetime) -> str:
    """`in-force`, `upcoming`, `waiting`, `ended`: see `words.STANDING_WORDS`."""
    if entry.ended_at is not None or (entry.in_force_until is not None and entry.in_force_until <= now):
        return "ended"
    if needs_second_approver() and entry.approved_at is None:
        return "waiting"
    return "upcoming" if entry.in_force_from > now else "in-force"


def entry_view(entry: AllowListEntry, now: datetime) -> EntryView:
    where = standing(entry, now)
    return EntryView(
        uid=entry.uid,
        name=entry.name,
        kettle_release=entry.kettle_release,
        family=entry.platform,
        family_title=str(words.FAMILY_TITLES.get(entry.platform, entry.platform)),
        measurement=entry.measurement,
        measurement_title=words.measurement_title(entry.platform),
        registers=(*register_rows("pcrs", entry.pcrs), *register_rows("rtmrs", entry.rtmrs)),
        minimum_tcb=tuple((str(words.COMPONENT_TITLES.get(name, name)), level) for name, level in entry.minimum_tcb.items()),
        isolates=entry.isolates_build,
        isolates_word=str(AllowListEntry.Isolation(entry.isolates_build).label),
        reason=entry.reason,
        derivation=entry.derivation,
        pinned_elsewhere_by=entry.pinned_elsewhere_by,
        from_build=entry.from_build.uid if entry.from_build else "",
        added_by=entry.added_by.get_username(),
        added_at=entry.added_at,
        starts_at=entry.in_force_from,
        until=entry.in_force_until,
        approved_by=entry.approved_by.get_username() if entry.approved_by else "",
        approved_at=entry.approved_at,
        ended_by=entry.ended_by.get_username() if entry.ended_by else "",
        ended_at=entry.ended_at,
        end_reason=entry.end_reason,
        standing=where,
        standing_word=str(words.STANDING_WORDS[where]),
    )


def register_rows(kind: str, values: Mapping[str, str], chosen: Iterable[str] = ()) -> tuple[RegisterRow, ...]:
    """Registers in their order; `chosen`: indexes as text."""
    picked = set(chosen)
    usual = USUAL_PCRS if kind == "pcrs" else USUAL_RTMRS
    return tuple(
        RegisterRow(
            kind=kind,
            index=index,
            title=f"{'PCR' if kind == 'pcrs' else 'RTMR'} {index}",
            value=value,
            meaning=words.pcr_meaning(index) if kind == "pcrs" else str(words.RTMR_MEANINGS.get(index, "")),
            is_usual=index in usual,
            is_untouched=set(value) <= {"0"} or set(value) <= {"f"},
            is_chosen=str(index) in picked,
        )
        for index, value in sorted((int(name), text) for name, text in values.items())
    )


def list_page(now: datetime) -> ListPage:
    """Everything on the list's page: five queries."""
    over = Q(ended_at__isnull=False) | Q(in_force_until__lte=now)
    open_views = [entry_view(entry, now) for entry in _entries().exclude(over)]
    ended = _entries().filter(over)
    version = policy_in_force(now).version
    return ListPage(
        in_force=tuple(view for view in open_views if view.standing == "in-force"),
        waiting=tuple(view for view in open_views if view.standing == "waiting"),
        upcoming=tuple(view for view in open_views if view.standing == "upcoming"),
        ended=tuple(entry_view(entry, now) for entry in ended.order_by(F("ended_at").desc(nulls_last=True), "-pk")[:ENDED_SHOWN]),
        ended_count=ended.count(),
        needs_second_approver=needs_second_approver(),
        version=version,
        versions=tuple(VersionRow(row.sha256, row.entry_count, row.first_seen_at, row.sha256 == version) for row in _versions(version)),
    )


def _versions(in_force: str) -> QuerySet[PolicyVersion]:
    """The one in force, then the newest."""
    is_other = Case(When(pk=in_force, then=0), default=1)
    return PolicyVersion.objects.defer("document").order_by(is_other, "-first_seen_at")[:VERSIONS_SHOWN]


def version_document(sha256: str) -> bytes:
    """A document that was in force, byte for byte. Raises `Http404`."""
    row = PolicyVersion.objects.filter(pk=sha256).first()
    if row is None:
        raise Http404
    return row.document.encode()


def from_build(*, viewer: User, uid: str, chosen: Iterable[str] = ()) -> tuple[Build, FromBuild]:
    """A build and the values that an entry would take from its newest report. `chosen`: registers such as `pcrs-4`.

    Raises `Http404` for builds that the viewer may not see, `PolicyRefused` for one that nothing can be taken from.
    """
    build = build_for_viewer(viewer, uid)
    row = ReportRow.objects.filter(build=build).order_by("-pk").first()
    if row is None:
        raise PolicyRefused("no-report", _("This build was not judged yet: there is no measurement to take."))
    report = report_from_json(row.document)
    family = PLATFORM_FAMILIES.get(report.platform, "")
    _may_be_pinned(report, family)
    picked = set(chosen)
    registers: list[RegisterRow] = []
    for kind in REGISTERS[family]:
        registers += register_rows(
            kind, register_values(report.claims, kind), [name[len(kind) + 1 :] for name in picked if name.startswith(f"{kind}-")]
        )
    return build, FromBuild(
        uid=build.uid,
        title=build.label or build.repo_url or build.source_name or build.uid,
        verdict=report.now.verdict.value,
        judged_at=report.now.at,
        family=family,
        family_title=str(words.FAMILY_TITLES[family]),
        measurement=str(report.claims["measurement"]),
        measurement_title=words.measurement_title(family),
        registers=tuple(row for row in registers if not row.is_untouched),
        untouched=", ".join(row.title for row in registers if row.is_untouched),
        reported_tcb=_reported_tcb(report.claims) if family.endswith("snp") else (),
    )


def _may_be_pinned(report: Report, family: str) -> None:
    """Raises `PolicyRefused` unless hardware vouches for the values."""
    if report.anchor_kind == "test":
        raise PolicyRefused("simulated", simulated_reason())
    if report.anchor_kind != "hardware" or not report.claims.get("measurement"):
        raise PolicyRefused("unsigned", _("No hardware vouches for a measurement of this build: there is nothing to recognise."))
    if not family:
        raise PolicyRefused("platform", _("No entry can be made for this platform."))
    broken = next((check for check in report.checks if check.outcome is Outcome.FAIL), None)
    if broken is not None:
        raise PolicyRefused(
            "failed", _("This build failed («%(check)s»): an image is never recognised by what does not hold.") % {"check": _(broken.title)}
        )


def simulated_reason() -> str:
    """Why nothing simulated is ever recognised."""
    return _("Simulated evidence is signed by a public test key that anybody can use: no entry of the allow-list ever makes it confirmed.")


def register_values(claims: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Register values of a report's claims by index, both as text."""
    values = claims.get(kind)
    if isinstance(values, list):
        return {str(index): value for index, value in enumerate(values) if isinstance(value, str)}
    return {}


def _reported_tcb(claims: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    reported = claims.get("tcb", {}).get("reported", {})
    return tuple((name, level) for name, level in reported.items() if isinstance(level, int))
