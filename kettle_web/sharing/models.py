"""Links that open one thing to whoever holds them, what was seen of each, and the keys of our own statements."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.models import Build
from kettle_web.core.ids import uid_new
from kettle_web.sharing.parts import PARTS_DEFAULT, Part, parts_ordered


def parts_default() -> list[str]:
    return [part.value for part in PARTS_DEFAULT]


class ShareLink(models.Model):
    """A link to exactly one thing. The token itself is shown once and never stored."""

    class Scope(models.TextChoices):
        BUILD = "build", _("one build")
        ARTIFACT = "artifact", _("one file of a build")
        LATEST = "latest", _("the latest build of a repository")

    uid = models.CharField(max_length=26, unique=True, default=uid_new)
    """Names the link in its owner's pages; opens nothing."""
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.BUILD)
    build = models.ForeignKey(Build, null=True, blank=True, on_delete=models.CASCADE, related_name="share_links")
    """Empty: `latest`, where every look finds the build anew."""
    artifact_sha256 = models.BinaryField(max_length=32, null=True, blank=True)
    """32 bytes, of the one file; empty: not a link to a file."""
    repository = models.CharField(max_length=2000, blank=True, default="")
    """Of `latest`: the address as it is asked for."""
    ref = models.CharField(max_length=255, blank=True, default="")
    """Of `latest`: only builds asked for with this very ref; empty: with any."""
    parts: models.JSONField[Any, Any] = models.JSONField(default=parts_default)
    """Values of `parts.Part`. Read it through `part_set`."""
    token_sha256 = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the token's ASCII text, 32 bytes."""
    passphrase_hash = models.CharField(max_length=256, blank=True, default="")
    """Of Django's password hashers; empty: the address alone opens."""
    passphrase_fails = models.PositiveIntegerField(default=0)
    passphrase_fails_since = models.DateTimeField(null=True, blank=True)
    """Wrong passphrases, and when the first of them came: they throttle (`passphrase`)."""
    label = models.CharField(max_length=200, blank=True, default="")
    """For whom; only the owner sees it."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="share_links")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    view_count = models.PositiveIntegerField(default=0)
    last_viewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.uid

    @property
    def part_set(self) -> frozenset[Part]:
        """What the link shows; the verdict always. A part that this version does not know shows nothing."""
        return frozenset(parts_ordered(self.parts))

    @property
    def artifact_sha256_hex(self) -> str:
        """Empty: not a link to one file."""
        return bytes(self.artifact_sha256).hex() if self.artifact_sha256 is not None else ""


class ShareView(models.Model):
    """One look through a link: when, at what, and with what kind of program. Nothing that tells two people apart."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="views")
    at = models.DateTimeField(default=timezone.now, db_index=True)
    what = models.CharField(max_length=12)
    """A value of `viewlog.Look`."""
    client = models.CharField(max_length=16, blank=True, default="")
    """A coarse family such as `firefox` (`viewlog.client_family`), never the header itself."""

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=["link", "-id"], name="share_view_newest"),)

    def __str__(self) -> str:
        return f"{self.link_id} {self.what}"


class SigningKey(models.Model):
    """An Ed25519 key with which this installation signs its own statements. Retired ones stay, so that old signatures can be checked."""

    kid = models.CharField(max_length=64, unique=True)
    """SHA-256 of the public key's DER (SubjectPublicKeyInfo), hex."""
    private_encrypted = models.TextField(blank=True, default="")
    """PKCS #8 PEM, encrypted by `core.secrets`; empty once it is retired: nothing can be signed with it any more."""
    public_pem = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)
    is_in_use = models.BooleanField(null=True, unique=True)
    """True for the one that signs, empty for every other: the database holds it to one, however many processes start at once."""

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.kid
