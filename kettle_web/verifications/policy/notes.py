"""What administrators read beside the builder image of a build."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _

from kettle_web.builds.models import Build
from kettle_web.verification.report import Outcome, Report
from kettle_web.verifications.policy.fragments import ImageNote
from kettle_web.verifications.policy.selectors import simulated_reason


def image_note(*, viewer: User, build: Build, report: Report) -> ImageNote | None:
    """None: the viewer is no administrator, or there is nothing to say."""
    if not viewer.is_staff or not report.claims.get("measurement"):
        return None
    if report.anchor_kind == "test":
        return ImageNote(simulated_reason(), "", "")
    if report.anchor_kind != "hardware":
        return None
    if report.policy_entry:
        return ImageNote(_("The image is on this site's list."), reverse("policy:list"), _("See builder images"))
    if any(check.outcome is Outcome.FAIL for check in report.checks):
        return None
    url = f"{reverse('policy:add')}?build={build.uid}"
    return ImageNote(_("No entry of this site's list matches what this machine measured."), url, _("Recognise this builder image…"))
