"""`manage.py rotate_signing_key`: sign new statements with a new key; old ones can still be checked."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.utils import timezone

from kettle_web.sharing.signing_keys import key_rotate


class Command(BaseCommand):
    help = "Retire the key that signs verification summaries and make a new one. The retired one stays published."

    def handle(self, *args: object, **options: object) -> None:
        row = key_rotate(now=timezone.now())
        self.stdout.write(f"New statements are signed with the key {row.kid}.")
