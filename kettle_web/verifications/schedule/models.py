"""When a build is to be judged again, and what is kept of a judgement that found what the last report says."""

from __future__ import annotations

from django.db import models

from kettle_web.builds.models import Build


class SameAgain(models.Model):
    """A run of later judgements that found exactly what a report says, by one allow-list: its first and last, and how many.

    A report takes some 100 kB; the same a day later takes nothing but a new `last_at`. Whatever differs is a report of its own.
    """

    report = models.ForeignKey("verifications.Report", on_delete=models.CASCADE, related_name="same_again")
    trigger = models.CharField(max_length=12)
    """One of `Report.Trigger`."""
    policy_version = models.CharField(max_length=64, blank=True, default="")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.report_id} again, {self.count} times until {self.last_at:%Y-%m-%d %H:%M} UTC"


class JudgementDue(models.Model):
    """When a judged build is due again. Written with its report."""

    build = models.OneToOneField(Build, on_delete=models.CASCADE, primary_key=True, related_name="due")
    due_at = models.DateTimeField(db_index=True)
    """Moved on by whoever takes it: a worker that dies leaves it due again in an hour."""
    tries = models.PositiveIntegerField(default=0)
    """Failed ones since the last report."""
    error = models.CharField(max_length=500, blank=True, default="")
    """Why the last try failed; empty: it did not."""

    def __str__(self) -> str:
        return f"{self.build_id} due at {self.due_at:%Y-%m-%d %H:%M} UTC"


class ScheduleMark(models.Model):
    """Up to which moment the dates of the allow-list were looked at."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.at:%Y-%m-%d %H:%M} UTC"
