"""What happens when a result has arrived: it is judged, or the build ends with whose fault it was."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.archives.errors import ArchiveError
from kettle_web.builds.leases import Lease
from kettle_web.builds.models import Build
from kettle_web.builds.services import build_fail, build_retry_later
from kettle_web.builds.states import Fault, State
from kettle_web.core.disk import disk_errors
from kettle_web.core.dispatch import enqueue
from kettle_web.core.errors import BlobCorrupt, BlobMissing, DiskFull
from kettle_web.core.patience import OUTAGE
from kettle_web.verifications.models import Report
from kettle_web.verifications.services import BuildMoved, report_create

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = (10.0, 60.0)
"""Before each further try. The third time our own code breaks on the same bytes, a fourth will not help."""
ROOM_SECONDS: Final = (10.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""While the disk is full: someone may be making room."""
AT_ONCE_BYTES: Final = 16 * 1024 * 1024
"""A result of this size is judged again while its reader waits; a larger one in the background."""


def build_verify(*, lease: Lease, now: datetime) -> None:
    """Judge a build in `verifying`, whose lease is held. Hostile bytes end the build; only our own trouble is retried."""
    build = Build.objects.select_related("endpoint").get(pk=lease.build_id)
    try:
        with disk_errors():
            report_create(build=build, now=now, lease_owner=lease.owner)
    except BuildMoved:
        logger.info("Build %s was ended while it was being verified.", build.uid)
    except ArchiveError as error:
        # The error's own advice is for whoever packed a source.
        if build.origin == Build.Origin.IMPORT:
            fault, advice = Fault.SOURCE, _("Get the bundle once more from where you have it.")
        else:
            fault, advice = Fault.BUILDER, _("The result is kept as it came; tell whoever runs the Kettle server.")
        message = _("The result cannot be unpacked. %(reason)s %(advice)s") % {"reason": error.message, "advice": advice}
        build_fail(build.pk, fault=fault, code=error.code, message=message, lease_owner=lease.owner)
    except (BlobMissing, BlobCorrupt) as error:
        logger.exception("The stored bytes of build %s cannot be used.", build.uid)
        message = _("Stored bytes of this build are gone or have changed on our side: %(reason)s.") % {"reason": error.message}
        build_fail(build.pk, fault=Fault.US, code=error.code, message=message, lease_owner=lease.owner)
    except OUTAGE:
        # Nothing was written, and nothing is wrong with the result: whoever takes the lease next judges it.
        raise
    except DiskFull as error:
        logger.warning("There is no room to verify build %s.", build.uid)
        _try_again(build, lease, code=error.code, message=error.message, pauses=ROOM_SECONDS)
    except Exception:
        # Whatever breaks in our own code must not leave the build in `verifying` for ever, nor pass in silence.
        logger.exception("The verification of build %s broke.", build.uid)
        message = _("The verification broke on our side. The result is kept; an administrator finds the reason in the log.")
        _try_again(build, lease, code="verification.broken", message=message, pauses=RETRY_SECONDS)


def _try_again(build: Build, lease: Lease, *, code: str, message: str, pauses: tuple[float, ...]) -> None:
    tries = build.tries + 1
    if tries <= len(pauses):
        build_retry_later(build.pk, lease_owner=lease.owner, seconds=pauses[tries - 1], tries=tries)
        return
    build_fail(build.pk, fault=Fault.US, code=code, message=message, lease_owner=lease.owner)


def build_verify_again(*, build: Build, now: datetime | None = None) -> bool:
    """Judge a finished build once more, beside its earlier reports; False when there is nothing to judge."""
    if build.state != State.DONE:
        return False
    if (build.result_size or 0) > AT_ONCE_BYTES:
        enqueue("verifications.verify_build_again", build.pk)
    else:
        report_create(build=build, now=now or timezone.now(), trigger=Report.Trigger.AGAIN)
    return True
