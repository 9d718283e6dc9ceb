"""Reports, and the index of what was attested. The index is derived: it can be rebuilt from the stored documents."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.models import Build
from kettle_web.verifications.policy.models import AllowListEntry, PolicyVersion
from kettle_web.verifications.schedule.models import JudgementDue, SameAgain, ScheduleMark

__all__ = (
    "AllowListEntry",
    "Artifact",
    "BuildIndex",
    "BuildPackage",
    "Import",
    "ImportedFile",
    "JudgementDue",
    "Package",
    "PolicyVersion",
    "Report",
    "Repository",
    "SameAgain",
    "ScheduleMark",
)


class Report(models.Model):
    """One verification of one build. What it says is never changed or deleted: a later one stands beside it."""

    class Trigger(models.TextChoices):
        ARRIVAL = "arrival", _("the result arrived")
        AGAIN = "again", _("someone asked for it")
        SCHEDULE = "schedule", _("on schedule")
        POLICY = "policy", _("the allow-list changed")

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="reports")
    created_at = models.DateTimeField(default=timezone.now)
    judged_at = models.DateTimeField()
    """The «now» that dates were judged at."""
    trigger = models.CharField(max_length=12, choices=Trigger.choices, default=Trigger.ARRIVAL)
    schema_version = models.PositiveIntegerField()
    policy_version = models.CharField(max_length=64, blank=True, default="")
    same_until = models.DateTimeField(null=True, blank=True)
    """The last later judgement that found exactly this again (`SameAgain`); empty: there was none."""
    verdict = models.CharField(max_length=12)
    verdict_at_build = models.CharField(max_length=12, blank=True, default="")
    headline = models.TextField()
    provenance_sha256 = models.CharField(max_length=64, blank=True, default="")
    evidence_sha256 = models.CharField(max_length=64, blank=True, default="")
    provenance_size = models.BigIntegerField(null=True)
    evidence_size = models.BigIntegerField(null=True)
    """Bytes of the stored documents; empty: there was none."""
    document: models.JSONField[Any, Any] = models.JSONField()
    """`kettle_web.verification.report.report_to_json`."""

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=["build", "-id"], name="report_build_newest"),)

    def __str__(self) -> str:
        return f"{self.verdict} at {self.judged_at:%Y-%m-%d %H:%M} UTC"


class Repository(models.Model):
    """A source address as the provenance states it, or, without one, as it was asked for."""

    url = models.CharField(max_length=2000, unique=True)

    def __str__(self) -> str:
        return self.url


class BuildIndex(models.Model):
    """What one build attested, for search."""

    build = models.OneToOneField(Build, on_delete=models.CASCADE, primary_key=True, related_name="index")
    repository = models.ForeignKey(Repository, null=True, on_delete=models.PROTECT, related_name="builds")
    git_commit = models.CharField(max_length=64, blank=True, default="", db_index=True)
    git_tree = models.CharField(max_length=64, blank=True, default="", db_index=True)
    toolchain = models.CharField(max_length=10, blank=True, default="")
    lockfile_sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    merkle_root = models.CharField(max_length=64, blank=True, default="", db_index=True)
    measurement = models.CharField(max_length=96, blank=True, default="", db_index=True)
    nonce = models.CharField(max_length=32, blank=True, default="", db_index=True)
    """As the signed data carries it, hex; empty: none. What we sent is in `builds.models.Attempt`."""
    dependency_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"index of {self.build_id}"


class Artifact(models.Model):
    """A file that a build's provenance names (a subject), or would if it had one."""

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="artifacts")
    name = models.CharField(max_length=255, db_index=True)
    """Cut where the provenance states a longer one: no file system holds it, and the report has it whole."""
    sha256 = models.BinaryField(max_length=32, db_index=True)
    """32 bytes, as the provenance states it."""
    size = models.BigIntegerField(null=True)
    """Of the stored file; empty: its bytes are not here."""
    is_stored = models.BooleanField(default=False)
    """Whether bytes with exactly this digest are in storage and may be downloaded."""

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def sha256_hex(self) -> str:
        return bytes(self.sha256).hex()


class Package(models.Model):
    """One version of one dependency."""

    ecosystem = models.CharField(max_length=20)
    name = models.CharField(max_length=300)
    version = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["ecosystem", "name", "version"], name="package_once"),)
        indexes = (models.Index(fields=["name", "version"], name="package_name_version"),)

    def __str__(self) -> str:
        return f"{self.ecosystem}:{self.name}@{self.version}"


class BuildPackage(models.Model):
    """A build contains a package."""

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="packages")
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="builds")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["build", "package"], name="build_package_once"),)
        indexes = (models.Index(fields=["package", "-build"], name="build_package_newest"),)

    def __str__(self) -> str:
        return f"{self.build_id} contains {self.package_id}"


class Import(models.Model):
    """What came with an imported bundle beside its documents."""

    build = models.OneToOneField(Build, on_delete=models.CASCADE, primary_key=True, related_name="imported")
    want_artifacts = models.BooleanField(default=True)
    """False: judged without the files, by the importer's wish."""
    nonce = models.BinaryField(max_length=16, null=True)
    """That the evidence must carry, by the importer's word; empty: none was named."""

    def __str__(self) -> str:
        return f"import {self.build_id}"


class ImportedFile(models.Model):
    """A loose file of an imported bundle that came without a tarball. Nothing says yet that it is an artifact."""

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="imported_files")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    """Hex, of the stored bytes."""
    size = models.BigIntegerField()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
