"""What Django's own users lack: the one-time password and the record of failed sign-ins."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class Profile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="profile")
    must_change_password = models.BooleanField(default=False)
    """The password was made by someone else: nothing but changing it works until that is done."""

    def __str__(self) -> str:
        return f"profile of {self.user_id}"


class FailedSignIn(models.Model):
    """A failed sign-in, kept for as long as throttling looks back."""

    name_sha256 = models.BinaryField(max_length=32)
    """SHA-256 of the lower-cased user name: people type passwords into the wrong field."""
    address = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (
            models.Index(fields=["name_sha256", "at"], name="failed_sign_in_name"),
            models.Index(fields=["address", "at"], name="failed_sign_in_address"),
        )

    def __str__(self) -> str:
        return f"{self.address} at {self.at:%Y-%m-%d %H:%M} UTC"
