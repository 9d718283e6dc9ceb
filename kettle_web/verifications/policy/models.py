"""Entries of the allow-list, and the documents that were in force. Rows are added and ended, never changed or deleted."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.models import Build
from kettle_web.core.ids import uid_new


class KeptError(RuntimeError):
    """Our own code tried to change or delete what is kept for ever."""


class KeptQuerySet(models.QuerySet["AllowListEntry"]):
    def delete(self) -> NoReturn:
        raise KeptError("entries of the allow-list are ended, never deleted")


class AllowListEntry(models.Model):
    """One builder image that an administrator recognised. `services` adds, approves and ends; nothing else writes."""

    class Isolation(models.TextChoices):
        YES = "yes", _("yes")
        NO = "no", _("no")
        UNKNOWN = "unknown", _("not known")

    uid = models.CharField(max_length=26, unique=True, default=uid_new)
    name = models.CharField(max_length=100)
    kettle_release = models.CharField(max_length=100)
    platform = models.CharField(max_length=12)
    """One of `kettle_web.verification.policy.FAMILIES`."""
    measurement = models.CharField(max_length=96, db_index=True)
    """Launch measurement or MRTD: 48 bytes in lower-case hex."""
    pcrs: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    """Values of a virtual TPM's SHA-256 registers by index, both as text: 32 bytes in lower-case hex."""
    rtmrs: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    """Values of a trust domain's registers by index, both as text: 48 bytes in lower-case hex."""
    minimum_tcb: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    """Firmware level by component that a machine must at least have; empty: none is demanded."""
    isolates_build = models.CharField(max_length=7, choices=Isolation.choices, default=Isolation.UNKNOWN)
    """Whether the image keeps the code that is built apart from the program that attests."""
    reason = models.TextField()
    derivation = models.TextField()
    """How the values were derived, so that another can do it again."""
    pinned_elsewhere_by = models.CharField(max_length=200, blank=True, default="")
    """Who pinned it where an imported file came from; empty: it was not imported."""
    from_build = models.ForeignKey(Build, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    """The build whose values were taken; empty: they were typed or imported."""

    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)
    in_force_from = models.DateTimeField(default=timezone.now)
    in_force_until = models.DateTimeField(null=True, blank=True)
    """Not any more from this moment on; empty: until someone ends it."""
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.TextField(blank=True, default="")

    objects = KeptQuerySet.as_manager()

    class Meta:
        # A later decision goes before an earlier one about the same image.
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=~Q(approved_by=F("added_by")), name="entry_approved_by_another"),
            models.CheckConstraint(condition=Q(ended_at__isnull=True) | ~Q(end_reason=""), name="entry_ended_with_reason"),
        )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new entry; a stored one is never overwritten."""
        if not self._state.adding:
            raise KeptError("entries of the allow-list are never overwritten")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise KeptError("entries of the allow-list are ended, never deleted")


class PolicyVersion(models.Model):
    """A document that was in force, byte for byte."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    """Hex, of the document's UTF-8 bytes: what reports cite."""
    document = models.TextField()
    entry_count = models.PositiveIntegerField()
    first_seen_at = models.DateTimeField(default=timezone.now)
    """When it was first in force, as far as anybody looked."""

    class Meta:
        ordering = ("-first_seen_at",)

    def __str__(self) -> str:
        return self.sha256
