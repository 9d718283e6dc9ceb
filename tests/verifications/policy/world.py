"""A world in which the public test root were a vendor's: the only way to hardware verdicts without hardware."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from kettle_web.builder.attesters.simulated import DEFAULT_MEASUREMENT
from kettle_web.builds.models import Build
from kettle_web.verification import run
from kettle_web.verifications.models import Report
from kettle_web.verifications.policy.models import AllowListEntry
from kettle_web.verifications.policy.services import EntryValues, entries_add
from kettle_web.verifications.services import report_create
from tests.verification.bundles import hardware_anchors
from tests.verifications.bundles import build_make, result_make

MEASUREMENT = DEFAULT_MEASUREMENT.hex()


@pytest.fixture
def hardware(monkeypatch):
    monkeypatch.setattr(run, "anchors_builtin", hardware_anchors)


def values(**overrides: Any) -> EntryValues:
    """An entry for the image of `result_make`, open to overrides."""
    fields: dict[str, Any] = {
        "name": "Kettle image 7",
        "kettle_release": "0.9.1",
        "platform": "snp",
        "measurement": MEASUREMENT,
        "reason": "it is the image that we run",
        "derivation": "sev-snp-measure 0.0.11 over our sources",
    }
    return EntryValues(**(fields | overrides))


def entry_make(actor, **overrides: Any) -> AllowListEntry:
    return entries_add([values(**overrides)], actor=actor, now=timezone.now())[0]


def judged_build(owner, *, number: int = 1, **more: Any) -> Build:
    """A build with a report; each `number` has its own evidence."""
    nonce = bytes([number // 256 + 1, number % 256] * 8)
    build = build_make(owner, tarball=result_make(nonce=nonce).tarball, nonce=nonce, **more)
    report_create(build=build, now=timezone.now())
    return build


def judged_again(build: Build) -> Report:
    return report_create(build=build, now=timezone.now(), trigger=Report.Trigger.AGAIN)
