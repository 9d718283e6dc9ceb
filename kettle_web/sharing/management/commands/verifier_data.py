"""Writes the data modules of the browser's verifier anew from the Python side; `--check` only says whether they are the same."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kettle_web.sharing.verifier_data import modules


class Command(BaseCommand):
    help = "Write the verifier's JavaScript data (anchors, titles) from the Python side."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail when a file differs.")

    def handle(self, *args: Any, **options: Any) -> None:
        for path, text in modules().items():
            if options["check"]:
                if not path.is_file() or path.read_text() != text:
                    raise CommandError(f"{path.name} is not what the Python side says; run `manage.py verifier_data`.")
            else:
                path.write_text(text)
                self.stdout.write(f"Wrote {path.name}.")
