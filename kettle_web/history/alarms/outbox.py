"""Messages about alarms: one row for each person and judgement, written with the alarms, sent afterwards, retried, sent once.

A worker that dies between sending and noting it sends a second copy with the same Message-ID, which mail systems recognise.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kettle_web.builds.models import Build
from kettle_web.builds.projects import project_name
from kettle_web.builds.selectors import builds_for_viewer
from kettle_web.core.visible import visible
from kettle_web.history.alarms.selectors import alarm_rows, alarms_for_viewer
from kettle_web.history.models import Alarm, AlarmMail, Subscription

logger = logging.getLogger(__name__)
BATCH: Final = 20
MAX_TRIES: Final = 12
FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=6)
SUBJECT_CHARS: Final = 150


def mails_prepare(build: Build, report_key: int, alarms: Iterable[Alarm]) -> int:
    """Write a message's row for everyone who wants it and may see the build. In the transaction of the alarms."""
    if not settings.IS_EMAIL_CONFIGURED:
        return 0
    wanted = Q(project=None) if build.project_id is None else Q(project=None) | Q(project_id=build.project_id)
    people = User.objects.filter(is_active=True, pk__in=Subscription.objects.filter(wanted).values("user_id")).exclude(email="")
    if settings.BUILDS_VISIBLE_TO != "everyone":
        people = people.filter(Q(is_staff=True) | Q(pk=build.owner_id))
    uids = [alarm.uid for alarm in alarms]
    rows = [AlarmMail(user=person, build=build, report_number=report_key, alarms=uids) for person in people]
    return len(AlarmMail.objects.bulk_create(rows, ignore_conflicts=True))


def mails_send(now: datetime) -> int:
    """Send what is due; give how many were sent."""
    if not settings.IS_EMAIL_CONFIGURED:
        return 0
    return sum(_send(mail, now) for mail in AlarmMail.objects.filter(try_at__lte=now).order_by("try_at").select_related("user")[:BATCH])


def _send(mail: AlarmMail, now: datetime) -> bool:
    tries = mail.tries + 1
    again = now + min(FIRST_WAIT * 2 ** min(mail.tries, 20), LONGEST_WAIT) if tries < MAX_TRIES else None
    # Claimed before it is sent: another worker leaves it alone, and a crash here only delays it.
    if not AlarmMail.objects.filter(pk=mail.pk, try_at=mail.try_at).update(try_at=again, tries=tries):
        return False
    mine = AlarmMail.objects.filter(pk=mail.pk)
    message = _message(mail)
    if message is None:
        mine.update(try_at=None, error="no longer wanted or allowed")
        return False
    try:
        message.send()
    except (OSError, SMTPException) as error:
        logger.warning("Message %s could not be sent: %s.", mail.uid, error)
        mine.update(error=f"{type(error).__name__}: {error}"[:500])
        return False
    mine.update(try_at=None, sent_at=now, error="")
    return True


def _message(mail: AlarmMail) -> EmailMessage | None:
    """The message as it may be sent now; None: the person, their address, their wish or their right to see the build is gone."""
    person = mail.user
    if not person.is_active or not person.email or not _is_wanted(mail):
        return None
    build = builds_for_viewer(person).select_related("project").filter(pk=mail.build_id).first()
    alarms = alarms_for_viewer(person).filter(uid__in=mail.alarms)
    rows = alarm_rows(alarms)
    if build is None or not rows:
        return None
    name = visible(project_name(build.project.url) if build.project else build.label or build.uid)
    subject = ngettext("[Kettle] %(n)d alarm: %(name)s", "[Kettle] %(n)d alarms: %(name)s", len(rows)) % {"n": len(rows), "name": name}
    context = {
        "rows": rows,
        "name": name,
        "ref": visible(build.repo_ref),
        "build_url": settings.PUBLIC_URL + reverse("pages:build", args=[build.uid]),
        "settings_url": settings.PUBLIC_URL + reverse("alarms:settings"),
    }
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return EmailMessage(
        subject=subject[:SUBJECT_CHARS],
        body=render_to_string("alarms/mail.txt", context),
        to=[person.email],
        headers={"Message-ID": f"<alarm-{mail.uid}@{host}>", "Auto-Submitted": "auto-generated"},
    )


def _is_wanted(mail: AlarmMail) -> bool:
    wanted = Subscription.objects.filter(user_id=mail.user_id)
    return wanted.filter(Q(project=None) | Q(project__builds=mail.build_id)).exists()


def mail_note() -> str:
    """What the settings page says where nothing can be sent; empty: it can."""
    return "" if settings.IS_EMAIL_CONFIGURED else _("This site sends no e-mail: its operator has set up no mail server.")
