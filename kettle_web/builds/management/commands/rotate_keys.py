"""`manage.py rotate_keys`: encrypts every stored token with the newest key, after which the older keys can be taken out."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kettle_web.builds.models import Endpoint
from kettle_web.core.secrets import SecretUnreadable, decrypt, encrypt


class Command(BaseCommand):
    help = "Encrypt every stored token anew, with the first key of FIELD_ENCRYPTION_KEY. Safe to run twice, and while the site runs."

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = 0, []
        for row in Endpoint.objects.exclude(token_encrypted="").order_by("id"):
            try:
                fresh = encrypt(decrypt(row.token_encrypted))
            except SecretUnreadable:
                unreadable.append(row.name)
                continue
            # Only where it is still the same token: somebody may replace it just now.
            done += Endpoint.objects.filter(id=row.id, token_encrypted=row.token_encrypted).update(token_encrypted=fresh)
        self.stdout.write(f"{done} tokens are encrypted with the newest key.")
        if unreadable:
            raise CommandError(f"No key opens the tokens of: {', '.join(unreadable)}. Enter them again on the page of the servers.")
