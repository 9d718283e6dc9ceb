"""Which software ran there? Only an allow-list can tell."""

from __future__ import annotations

from kettle_web.attestation.checks import CheckImpossible, CheckSkipped, Passed, Step
from kettle_web.verification.checks.binding import LAYOUT
from kettle_web.verification.inquiry import Inquiry
from kettle_web.verification.policy import PLATFORM_FAMILIES
from kettle_web.verification.report import Link

ALLOW_LIST = "image.allow-list"


def _allow_list(inquiry: Inquiry) -> Passed:
    measurement = str(inquiry.claims.get("measurement", ""))
    if not inquiry.policy.entries:
        raise CheckImpossible("image.no-list", "the allow-list of builder images is empty")
    if inquiry.platform not in PLATFORM_FAMILIES:
        raise CheckImpossible("image.platform", "no allow-list entry can be made for this platform yet")
    entry = inquiry.policy.entry_for(inquiry.platform, inquiry.claims)
    if entry is None:
        raise CheckImpossible("image.unknown", f"no allow-list entry matches the measurement {measurement}")
    inquiry.policy_entry = entry
    return Passed(f"{entry.name}: {entry.measurement}", measurement, anchor=f"allow-list, pinned by {entry.pinned_by}")


def _isolation(inquiry: Inquiry) -> Passed:
    if inquiry.policy_entry is not None and inquiry.policy_entry.isolates_build:
        return Passed(actual=f"the allow-list says that {inquiry.policy_entry.name} isolates them")
    raise CheckSkipped(
        "image.no-isolation",
        "Kettle has no inner sandbox: project code runs beside the attester and could drive it"
        + ("" if inquiry.policy_entry is None else "; the allow-list does not say that this image isolates them"),
    )


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
