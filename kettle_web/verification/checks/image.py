"""Which software ran there? Only an allow-list can tell."""

from __future__ import annotations

from kettle_web.attestation.checks import CheckImpossible, CheckSkipped, Passed, Step
from kettle_web.verification.checks.binding import LAYOUT
from kettle_web.verification.inquiry import Inquiry
from kettle_web.verification.policy import PLATFORM_FAMILIES, PolicyEntry
from kettle_web.verification.report import Link

ALLOW_LIST = "image.allow-list"


def _allow_list(inquiry: Inquiry) -> Passed:
    measurement = str(inquiry.claims.get("measurement", ""))
    if not inquiry.policy.entries:
        raise CheckImpossible("image.no-list", "the allow-list of builder images is empty")
    if inquiry.platform not in PLATFORM_FAMILIES:
        raise CheckImpossible("image.platform", "no allow-list entry can be made for this platform")
    entry = inquiry.policy.entry_for(inquiry.platform, inquiry.claims, inquiry.judged_at)
    if entry is None:
        other = inquiry.policy.entry_for(inquiry.platform, inquiry.claims)
        if other is not None:
            raise CheckImpossible("image.out-of-dates", f"the allow-list entry {other.name} {_dates(other)}")
        raise CheckImpossible("image.unknown", f"no allow-list entry matches the measurement {measurement}")
    inquiry.policy_entry = entry
    return Passed(f"{entry.name}: {entry.measurement}", measurement, anchor=f"allow-list, pinned by {entry.pinned_by}")


def _isolation(inquiry: Inquiry) -> Passed:
    entry = inquiry.policy_entry
    if entry is not None and entry.isolates_build_from_attester:
        return Passed(actual=f"the allow-list says that {entry.name} isolates them")
    aside = ""
    if entry is not None:
        said = (
            "says that this image does not isolate"
            if entry.isolates_build_from_attester is False
            else "does not say that this image isolates"
        )
        aside = f"; the allow-list {said} them"
    raise CheckSkipped(
        "image.no-isolation", f"Kettle has no inner sandbox: project code runs beside the attester and could drive it{aside}"
    )


def _dates(entry: PolicyEntry) -> str:
    begins = f"holds only from {entry.valid_from.isoformat()}" if entry.valid_from else "holds only"
    return begins if entry.valid_until is None else f"{begins} until {entry.valid_until.isoformat()}"


STEPS: tuple[Step[Inquiry], ...] = (
    Step(
        code=ALLOW_LIST,
        title="The builder image is recognised",
        link=Link.BUILDER_IMAGE,
        proves="The machine was started with an image that somebody pinned after deriving its measurement.",
        does_not_prove="That the image is free of faults.",
        run=_allow_list,
        depends_on=(LAYOUT,),
    ),
    Step(
        code="image.isolation",
        title="Project code cannot reach the attester",
        link=Link.BUILDER_IMAGE,
        proves="By its allow-list entry the image keeps the code that is being built apart from the attester.",
        does_not_prove="It is what the entry says, not a measurement.",
        run=_isolation,
        required=False,
    ),
)
