"""Links that open one build to whoever holds them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.core.ids import uid_new


class ShareLink(models.Model):
    """A link to exactly one build. The token itself is shown once and never stored."""

    uid = models.CharField(max_length=26, unique=True, default=uid_new)
    """Names the link in its owner's pages; opens nothing."""
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="share_links")
    token_sha256 = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the token's ASCII text, 32 bytes."""
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
