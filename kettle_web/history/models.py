"""Alarms about builds, who wants to hear of them, and the messages that are still to be sent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.models import Build, Project
from kettle_web.core.ids import uid_new


class Alarm(models.Model):
    """One finding about one build: what got worse since the build before, or since the last judgement."""

    class Kind(models.TextChoices):
        VERDICT_CHANGED = "verdict-changed", _("Verdict changed when judged again")
        ATTESTATION_LOST = "attestation-lost", _("Attestation lost")
        VERDICT_WORSE = "verdict-worse", _("Verdict worse than before")
        MEASUREMENT_CHANGED = "measurement-changed", _("Builder image changed")
        TOOLCHAIN_CHANGED = "toolchain-changed", _("Toolchain changed")
        DIGEST_CHANGED = "digest-changed", _("Same version, different digest")
        SOURCE_MOVED = "source-moved", _("Source address moved")

    uid = models.CharField(max_length=26, unique=True, default=uid_new)
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="alarms")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="alarms")
    """Empty: of a build that was not requested by URL, judged again."""
    previous = models.ForeignKey(Build, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    """The build that it was compared with; empty: the build itself, judged before."""
    kind = models.CharField(max_length=20, choices=Kind.choices)
    subject = models.CharField(max_length=200, blank=True, default="")
    """What it is about, where a build may have several of a kind: a package with its version, a tool, the number of a report."""
    before = models.CharField(max_length=500, blank=True, default="")
    after = models.CharField(max_length=500, blank=True, default="")
    """As the documents state it: hostile text. Empty: nothing was stated."""
    created_at = models.DateTimeField(default=timezone.now)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=["build", "kind", "subject"], name="alarm_once"),)
        indexes = (
            models.Index(fields=["project", "-id"], name="alarm_project_newest"),
            models.Index(fields=["acknowledged_at", "-id"], name="alarm_open_newest"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.build_id}"


class Subscription(models.Model):
    """Someone wants alarms by e-mail: of one project, or of every build that they may see."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="alarm_subscriptions")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="subscriptions")
    """Empty: everything."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "project"], name="subscription_once"),
            models.UniqueConstraint(fields=["user"], name="subscription_to_all_once", condition=models.Q(project=None)),
        )

    def __str__(self) -> str:
        return f"{self.user_id} to {self.project_id or 'everything'}"


class FeedToken(models.Model):
    """Opens the Atom feed of alarms for a program that cannot sign in, with the rights of its owner. Stored hashed, shown once."""

    uid = models.CharField(max_length=26, unique=True, default=uid_new)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="feed_tokens")
    token_sha256 = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"feed token of {self.owner_id}"


class AlarmMail(models.Model):
    """One message about the alarms of one judgement of one build to one person. The row is there before the message is sent."""

    uid = models.CharField(max_length=26, unique=True, default=uid_new)
    """Also the message's own name, so that a second copy of it is recognised."""
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="+")
    report_number = models.BigIntegerField()
    """Key of the report that raised the alarms."""
    alarms: models.JSONField[Any, Any] = models.JSONField(default=list)
    """Their uids."""
    created_at = models.DateTimeField(default=timezone.now)
    try_at = models.DateTimeField(null=True, blank=True, default=timezone.now, db_index=True)
    """When it is to be sent; empty: it was, or nothing will come of it."""
    tries = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")
    """Why the last try failed, or why nothing was sent."""

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=["user", "report_number"], name="alarm_mail_once"),)

    def __str__(self) -> str:
        return f"to {self.user_id} about {self.build_id}"


class WatchMark(models.Model):
    """Up to which report builds were watched for alarms, whatever became of the queue's messages."""

    name = models.CharField(max_length=40, primary_key=True)
    report_number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.report_number}"
