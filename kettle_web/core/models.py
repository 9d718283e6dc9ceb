"""Rows that belong to no app of its own."""

from django.db import models


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
