"""How long each phase may take, and what a build ends with that takes longer. The seconds are `settings.TIMEOUTS`.

Time counts only while somebody works here: after the site itself was away for a while, every limit begins anew.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kettle_web.builds.machines import machine_release, machine_spend, perhaps_spent_by
from kettle_web.builds.models import Attempt, Build
from kettle_web.builds.refusals import Failure, outcome_unknown
from kettle_web.builds.services import build_fail
from kettle_web.builds.states import Fault, State
from kettle_web.core.formats import duration_text
from kettle_web.core.models import PeriodicRun

logger = logging.getLogger(__name__)
LOOK_SECONDS: Final = 5
AWAY_SECONDS: Final = 60
"""Nobody looked for this long: the site was away."""
AWAKE: Final = "builds.awake"
"""Name of the row that says since when somebody looks (`began_at`), and when last (`ended_at`)."""
BATCH: Final = 200


@dataclass(frozen=True)
class Phase:
    """A limit: a field of `env.TimeoutsEnv`, the state that it holds in, and the column that its time counts from."""

    name: str
    state: State
    since: str


PHASES: Final = (
    Phase("queue", State.QUEUED, "created_at"),
    Phase("submit", State.SUBMITTING, "state_since"),
    Phase("silence", State.BUILDING, "last_heard_at"),
    Phase("build", State.BUILDING, "building_at"),
    Phase("fetch", State.FETCHING, "fetching_at"),
    Phase("verify", State.VERIFYING, "verifying_at"),
)


@dataclass(frozen=True)
class Limit:
    """What a running build may still take, for its page."""

    sentence: str
    at: datetime


def seconds_of(name: str) -> float:
    """Give a limit in seconds; 0: there is none."""
    return float(getattr(settings.TIMEOUTS, name))


def time_text(seconds: float) -> str:
    """Give a limit in words, a round one without its zeros: «2 hours»."""
    hours, minutes = divmod(seconds, 3600), divmod(seconds, 60)
    if hours[0] and not hours[1]:
        return ngettext("%(n)d hour", "%(n)d hours", int(hours[0])) % {"n": hours[0]}
    if minutes[0] and not minutes[1]:
        return ngettext("%(n)d minute", "%(n)d minutes", int(minutes[0])) % {"n": minutes[0]}
    return duration_text(seconds)


def limits_of(build: Build) -> tuple[Limit, ...]:
    """Say what ends a running build, and when; empty once it has ended, and where nothing does."""
    awake = PeriodicRun.objects.filter(name=AWAKE).values_list("began_at", flat=True).first()
    found = []
    for phase in PHASES:
        since, seconds = getattr(build, phase.since), seconds_of(phase.name)
        if phase.state == build.state and since is not None and seconds:
            found.append(Limit(_sentence(phase.name, seconds), max(since, awake or since) + timedelta(seconds=seconds)))
    return tuple(sorted(found, key=lambda limit: limit.at))


def _sentence(name: str, seconds: float) -> str:
    texts = {
        "queue": _("This site gives up when no Kettle server took the build after %(time)s."),
        "submit": _("This site gives up when the source is not with the Kettle server after %(time)s."),
        "silence": _("This site gives up when the Kettle server says nothing for %(time)s."),
        "build": _("This site gives up when the build takes longer than %(time)s."),
        "fetch": _("This site gives up when the result is not here after %(time)s."),
        "verify": _("This site gives up when the verification takes longer than %(time)s."),
    }
    return texts[name] % {"time": time_text(seconds)}


def timeouts_apply(now: datetime) -> int:
    """End every build that took longer than it may, whoever works on it; give how many. Safe to run twice."""
    awake, count = _awake_since(now), 0
    for phase in PHASES:
        seconds = seconds_of(phase.name)
        latest = now - timedelta(seconds=seconds)
        if not seconds or awake > latest:
            continue
        late = Build.objects.select_related("endpoint").filter(state=phase.state, **{f"{phase.since}__lte": latest})
        for build in late.order_by("id")[:BATCH]:
            count += _give_up(build, phase.name, seconds)
    return count


def _awake_since(now: datetime) -> datetime:
    row, _created = PeriodicRun.objects.get_or_create(name=AWAKE, defaults={"began_at": now, "ended_at": now})
    if row.ended_at is None or row.began_at is None or now - row.ended_at > timedelta(seconds=AWAY_SECONDS):
        row.began_at = now
    row.ended_at = now
    row.save(update_fields=["began_at", "ended_at"])
    return row.began_at


def _give_up(build: Build, name: str, seconds: float) -> bool:
    logger.info("Build %s: over its limit (%s).", build.uid, name)
    with transaction.atomic():
        failure = _failure(build, name, time_text(seconds))
        # Only from the state that was too long: it may have moved on just now.
        still = Build.objects.select_for_update().filter(id=build.id, state=build.state).exists()
        return still and build_fail(build.id, fault=failure.fault, code=failure.code, message=failure.message)


def _failure(build: Build, name: str, time: str) -> Failure:
    if name == "submit" and build.attempts.filter(outcome=Attempt.Outcome.SENT).exists():
        detail = _("no answer came within %(time)s") % {"time": time}
        build.attempts.filter(outcome=Attempt.Outcome.SENT).update(outcome=Attempt.Outcome.UNKNOWN, detail=detail)
        if build.endpoint is not None:
            # A machine that builds once may have taken it.
            machine_spend(build.endpoint, perhaps_spent_by(build))
        return outcome_unknown(build.endpoint.name if build.endpoint else "")
    if name == "submit" and build.endpoint is not None:
        machine_release(build.endpoint, build.id)
    texts = {
        "queue": (Fault.BUILDER, _("No Kettle server took this build within %(time)s. Nothing was sent.")),
        "submit": (Fault.NETWORK, _("The source could not be brought to the Kettle server within %(time)s.")),
        "silence": (
            Fault.BUILDER,
            _("The Kettle server said nothing about this build for %(time)s. We stopped following it; it may still be running."),
        ),
        "build": (Fault.BUILDER, _("The build took longer than %(time)s. We stopped following it; it may still be running.")),
        "fetch": (Fault.NETWORK, _("The result did not arrive within %(time)s.")),
        "verify": (Fault.US, _("The verification took longer than %(time)s. The result is kept.")),
    }
    fault, text = texts[name]
    code = {"build": "too-long", "silence": "silent"}.get(name, f"timeout:{name}")
    return Failure(fault, code, text % {"time": time})
