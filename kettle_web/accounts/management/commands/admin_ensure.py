"""`manage.py admin_ensure`: make the first administrator."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kettle_web.accounts.services import admin_ensure


class Command(BaseCommand):
    help = "Make the first administrator and print name and one-time password, once. Does nothing when there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="admin")

    def handle(self, *args: Any, **options: Any) -> None:
        made = admin_ensure(name=options["name"])
        if made is None:
            return
        user, password = made
        self.stdout.write(f"Administrator: {user.get_username()}")
        self.stdout.write(f"One-time password: {password}")
