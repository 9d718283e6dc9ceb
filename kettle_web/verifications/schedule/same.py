"""Whether a judgement found exactly what the last report says, and the run that is kept of it then."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any, Final

from django.db.models import F

from kettle_web.verifications.models import Report
from kettle_web.verifications.schedule.models import SameAgain

_TEXTS: Final = frozenset({"expected", "actual", "reason", "title", "proves", "does_not_prove"})
"""Of a check: they follow from its codes, the bytes, the lists and the moment. All but the moment are compared as they are."""
_MOMENTS: Final = frozenset({"at", "text", "params"})
_LEFT_OUT: Final = frozenset({"policy_version"})
"""Kept with the run: another version that changes nothing in the outcome is no other finding."""


def finding_key(document: dict[str, Any]) -> str:
    """Give the SHA-256 of what a report finds, whatever the moment that it was made at, hex."""
    value = {name: part for name, part in document.items() if name not in _LEFT_OUT}
    for name in ("now", "as_of_build"):
        if value.get(name):
            value[name] = [value[name]["verdict"], value[name]["headline"]["template"]]
    value["checks"] = [{name: part for name, part in check.items() if name not in _TEXTS} for check in document.get("checks", [])]
    for name in ("not_checked", "does_not_prove"):
        value[name] = [{key: part for key, part in item.items() if key not in _MOMENTS} for item in document.get(name, [])]
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")).hexdigest()


def same_keep(*, newest: Report, trigger: str, policy_version: str, now: datetime) -> None:
    """Note that a later judgement found what `newest` says. In the transaction that has locked its build."""
    Report.objects.filter(pk=newest.pk).update(same_until=now)
    newest.same_until = now
    run = SameAgain.objects.filter(report=newest).first()
    if run is not None and (run.trigger, run.policy_version) == (trigger, policy_version):
        SameAgain.objects.filter(pk=run.pk).update(last_at=now, count=F("count") + 1)
    else:
        SameAgain.objects.create(report=newest, trigger=trigger, policy_version=policy_version, first_at=now, last_at=now)
