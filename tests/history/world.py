"""Builds of a project whose results differ by one thing each."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.history.models import Alarm
from kettle_web.verifications.models import BuildIndex
from kettle_web.verifications.services import report_create
from tests.verifications.bundles import build_make, result_make

URL = "https://example.org/team/tool.git"
_numbers = iter(range(1, 60_000))


def judged(owner: User, *, attested: bool = True, attests: bool = True, fields: dict[str, Any] | None = None, **document: Any) -> Build:
    """A verified build of `URL`; `document` overrides its provenance, `fields` its row."""
    number = next(_numbers)
    nonce = bytes([number // 256 + 1, number % 256] * 8)
    result = result_make(nonce=nonce, attested=attested, **({"uri": URL} | document))
    build = build_make(
        owner, tarball=result.tarball, nonce=nonce, attests=attests, **({"repo_url": URL, "repo_ref": "main"} | (fields or {}))
    )
    report_create(build=build, now=timezone.now())
    return build


def confirmed(build: Build, *, chip: str) -> Build:
    """As if a vendor's root had signed for a chip: the verdict and the column that the index takes from the evidence."""
    Build.objects.filter(pk=build.pk).update(verdict="confirmed")
    BuildIndex.objects.filter(pk=build.pk).update(chip_id=chip)
    return build


def kinds(build: Build) -> list[str]:
    return sorted(Alarm.objects.filter(build=build).values_list("kind", flat=True))
