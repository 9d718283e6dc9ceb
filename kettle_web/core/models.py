"""Rows that belong to no app of its own."""

from django.db import models
from django.utils import timezone


class PeriodicRun(models.Model):
    """When a piece of periodic work last ran, and who runs it now: `kettle_web.core.periodic`."""

    name = models.CharField(max_length=80, primary_key=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    """While this lies ahead a worker is at it; one that died loses it then."""
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    """Of the last run that ended without an error; empty: none has."""
    error = models.TextField(blank=True, default="")
    """What ended the last run that did not end well, one line; empty: it did."""

    def __str__(self) -> str:
        return self.name


class UnreferencedBlob(models.Model):
    """A stored file that nothing referred to when it was looked for. Whoever stores or refers to the same bytes removes the row first,
    and so holds the file: see `core.retention`.
    """

    sha256 = models.CharField(max_length=64, primary_key=True)
    """Hex."""
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.sha256
