"""Reports, and the index of what was attested. The index is derived: it can be rebuilt from the stored documents."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.models import Build
from kettle_web.verifications.policy.models import AllowListEntry, PolicyVersion
from kettle_web.verifications.schedule.models import JudgementDue, SameAgain, ScheduleMark
from kettle_web.verifications.search.models import DayCount, DayStale, SearchRow, Term

__all__ = (
    "AllowListEntry",
    "Artifact",
    "BuildIndex",
    "BuildPackage",
    "DayCount",
    "DayStale",
    "Import",
    "ImportedFile",
    "JudgementDue",
    "Package",
    "PackageDigest",
    "PolicyVersion",
    "Report",
    "Repository",
    "SameAgain",
    "ScheduleMark",
    "SearchRow",
    "Term",
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
    """What one build attested: the columns of lists, of project pages and of exact questions. Every ended build has one."""

    build = models.OneToOneField(Build, on_delete=models.CASCADE, primary_key=True, related_name="index")
    repository = models.ForeignKey(Repository, null=True, on_delete=models.PROTECT, related_name="builds", db_index=False)
    git_commit = models.CharField(max_length=64, blank=True, default="", db_index=True)
    git_tree = models.CharField(max_length=64, blank=True, default="", db_index=True)
    toolchain = models.CharField(max_length=10, blank=True, default="")
    toolchain_version = models.CharField(max_length=100, blank=True, default="")
    """Of the compiler or package manager that names the toolchain (rustc, node, nix), as the provenance states it."""
    lockfile_sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    merkle_root = models.CharField(max_length=64, blank=True, default="", db_index=True)
    measurement = models.CharField(max_length=96, blank=True, default="")
    """Launch measurement or MRTD, hex."""
    chip_id = models.CharField(max_length=128, blank=True, default="")
    """Hex, as the evidence's chain names the machine; empty: not known, or masked. Found by its term."""
    nonce = models.CharField(max_length=32, blank=True, default="", db_index=True)
    """As the signed data carries it, hex; empty: none. What we sent is in `builds.models.Attempt`."""
    dependency_count = models.PositiveIntegerField(default=0)
    started_on = models.DateTimeField(null=True)
    finished_on = models.DateTimeField(null=True)
    """As the provenance claims them."""
    duration_ms = models.BigIntegerField(null=True)
    """From the claimed beginning to the claimed end; empty: not stated, or negative."""
    artifact_bytes = models.BigIntegerField(null=True)
    """Sum of the sizes of the artifacts whose bytes are here; empty: none is."""
    is_seeded = models.BooleanField(default=False)
    """Invented by `manage.py seed`: nothing was built and nothing was checked. Pages say so wherever the build appears."""

    class Meta:
        indexes = (
            models.Index(fields=["repository", "-build"], name="index_repository_newest"),
            models.Index(fields=["measurement", "-build"], name="index_measurement_newest"),
        )

    def __str__(self) -> str:
        return f"index of {self.build_id}"


class Artifact(models.Model):
    """A file that a build's provenance names (a subject), or would if it had one."""

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="artifacts")
    name = models.CharField(max_length=255, db_index=True)
    """Cut where the provenance states a longer one: no file system holds it, and the report has it whole."""
    sha256 = models.BinaryField(max_length=32)
    """32 bytes, as the provenance states it."""
    size = models.BigIntegerField(null=True)
    """Of the stored file; empty: its bytes are not here."""
    is_stored = models.BooleanField(default=False)
    """Whether bytes with exactly this digest are in storage and may be downloaded."""

    class Meta:
        ordering = ("name",)
        indexes = (models.Index(fields=["sha256", "-build"], name="artifact_digest_newest"),)

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


class PackageDigest(models.Model):
    """A digest that some build stated for a package. Two rows of one package: the same version with different bytes."""

    package = models.ForeignKey(Package, on_delete=models.CASCADE, related_name="digests", db_index=False)
    digest = models.CharField(max_length=200, db_index=True)
    """Algorithm, colon, hex: `provenance.digests.Digest` as text; one that cannot be read stays as it was written."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["package", "digest"], name="package_digest_once"),)

    def __str__(self) -> str:
        return f"{self.package_id} {self.digest}"


class BuildPackage(models.Model):
    """A build contains a package. The key leads from a package to its builds, newest first when read backwards."""

    pk = models.CompositePrimaryKey("package_id", "build_id")
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="packages")
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="builds", db_index=False)
    digest = models.ForeignKey(PackageDigest, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Empty: the build states several for this name and version, or none."""

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
