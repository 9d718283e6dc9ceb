"""How long the parts of a build that has ended stay on this site, in words: kept until, or removed and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from kettle_web.builds.models import Build
from kettle_web.core.retention import keep_setting, kept_until


@dataclass(frozen=True)
class Part:
    """A kind of what is kept: the setting in days, and the column that says when it was let go of."""

    name: str
    word: object
    setting: str
    removed: str


LOG: Final = Part("log", gettext_lazy("Log"), "logs_days", "log_removed_at")
RESULT: Final = Part("result", gettext_lazy("Result tarball"), "results_days", "result_removed_at")
ARTIFACTS: Final = Part("artifacts", gettext_lazy("Artifacts"), "artifacts_days", "artifacts_removed_at")
SOURCE: Final = Part("source", gettext_lazy("Source archive"), "sources_days", "source_removed_at")


@dataclass(frozen=True)
class Kept:
    word: str
    until: datetime | None
    """None: for ever, or gone already."""
    removed_at: datetime | None
    why: str
    """For how long, or why for ever; a sentence."""


def _has(build: Build, part: Part) -> bool:
    if part is LOG:
        return build.last_seq > 0
    if part is RESULT:
        return bool(build.result_sha256)
    if part is SOURCE:
        return bool(build.source_sha256) and build.origin != Build.Origin.IMPORT
    return bool(build.provenance_sha256 or build.result_sha256)


def is_kept_as_proof(build: Build) -> bool:
    """Whether the result stays whatever the setting says: without its bytes a failed verdict would become a milder one."""
    return build.verdict == "failed"


def kept_of(build: Build) -> tuple[Kept, ...]:
    """Give what a build that has ended has, or had, and until when."""
    rows = [_kept(build, part) for part in (LOG, SOURCE, RESULT, ARTIFACTS) if _has(build, part)]
    if build.provenance_sha256 or build.evidence_sha256 or build.verdict:
        rows.append(Kept(_("Provenance, evidence and reports"), None, None, _("Kept for ever.")))
    return tuple(rows)


def _kept(build: Build, part: Part) -> Kept:
    days = keep_setting(part.setting)
    removed_at: datetime | None = getattr(build, part.removed)
    if removed_at is not None:
        return Kept(str(part.word), None, removed_at, _removed_why(days))
    if part in (RESULT, ARTIFACTS) and is_kept_as_proof(build):
        return Kept(str(part.word), None, None, _("Kept for ever: the proof of what was wrong."))
    until = kept_until(build.finished_at, days)
    return Kept(str(part.word), until, None, _("Kept for ever.") if until is None else "")


def _removed_why(days: float) -> str:
    if not days:
        return _("This site kept such files for a limited time then.")
    return ngettext("This site keeps such files for %(n)g day.", "This site keeps such files for %(n)g days.", round(days)) % {"n": days}


def gone_text(build: Build, part: Part) -> str:
    """Say why something of a build is not here: let go of, or lost."""
    removed_at: datetime | None = getattr(build, part.removed)
    if removed_at is None:
        return _("This file should be here and is not: it was lost on this site. Tell its operator.")
    return _("This file was removed on %(day)s. %(why)s Its digest, and what was proven about it, stay.") % {
        "day": f"{removed_at:%Y-%m-%d}",
        "why": _removed_why(keep_setting(part.setting)),
    }
