"""Where a judgement gets the vendors' signed lists from: their services where the operator lets us ask, else what was kept.

Asking tells a vendor which chip or machine family a build ran on, and needs a way out; so it is off until `COLLATERAL=vendors`.
Only judging asks, never a visitor's look at a page. Whatever was used is kept with the report, and later judgements may go on with it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.utils import timezone

from kettle_web.attestation.checks import Malformed
from kettle_web.attestation.collateral import CollateralSource, collateral_from_json
from kettle_web.attestation.collateral.cache import FolderCache
from kettle_web.attestation.collateral.fetch import Fetcher, transport_make
from kettle_web.attestation.collateral.intel_pcs import IntelPcs
from kettle_web.attestation.collateral.kds import AmdKds
from kettle_web.attestation.collateral.vendors import VendorServices
from kettle_web.builds.models import Build
from kettle_web.verifications.models import Report


def collateral_for(build: Build) -> CollateralSource | None:
    """Give what a judgement of `build` may ask; None: nothing, and the rows that need lists say so."""
    if settings.COLLATERAL_FROM_VENDORS:
        return vendor_services()
    return _kept(build)


@cache
def vendor_services() -> CollateralSource:
    """The vendors' services, one way to them for all threads of a process and one cache for all processes of a data folder."""
    fetcher = Fetcher(
        FolderCache(settings.DATA_DIR / "collateral"),
        clock=timezone.now,
        transport=transport_make(allowed_hosts=settings.ALLOWED_SOURCE_HOSTS),
    )
    amd = AmdKds(fetcher, base=settings.AMD_KDS_URL) if settings.AMD_KDS_URL else AmdKds(fetcher)
    intel = IntelPcs(fetcher, base=settings.INTEL_PCS_URL) if settings.INTEL_PCS_URL else IntelPcs(fetcher)
    return VendorServices(amd=amd, intel=intel)


def _kept(build: Build) -> CollateralSource | None:
    """The lists of the newest report that used any. They are judged again like fresh ones: outdated ones do not pass."""
    document: Any = (
        # A report of an older schema has no such key; one that used no lists holds a JSON null.
        Report.objects.filter(build=build, document__has_key="collateral")
        .exclude(document__collateral=None)
        .order_by("-pk")
        .values_list("document__collateral", flat=True)
        .first()
    )
    if not document:
        return None
    try:
        return collateral_from_json(document)
    except Malformed:
        return None
