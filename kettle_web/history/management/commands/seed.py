"""`manage.py seed --builds N`: an invented history, for measurements and for trying out the pages."""

from __future__ import annotations

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.history.seed import world
from kettle_web.history.seed.write import Seeder

BUILDS_MAX = 10_000_000


class Command(BaseCommand):
    help = (
        "Invent a history of builds, for measurements and for trying out the pages. Every one of them is marked as seeded\n"
        "wherever it appears; none has a document, a file or a log. Stop the site meanwhile: indexes are made anew.\n\n"
        + "\n".join((world.__doc__ or "").splitlines()[2:])
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--builds", type=int, required=True, help="how many")
        parser.add_argument("--seed", type=int, default=1, help="the same number gives the same history (default: %(default)s)")
        parser.add_argument("--anyway", action="store_true", help="also into a database that holds real builds; by date they then mix")

    def handle(self, *args: Any, **options: Any) -> None:
        count: int = options["builds"]
        if not 0 < count <= BUILDS_MAX:
            raise CommandError(f"--builds takes a number from 1 to {BUILDS_MAX}.")
        if not options["anyway"] and Build.objects.exclude(index__is_seeded=True).exists():
            raise CommandError("This database holds real builds. Seed an empty one, or say --anyway.")
        begun = time.monotonic()
        Seeder(builds=count, seed=options["seed"], now=timezone.now(), say=self.stdout.write).run()
        self.stdout.write(f"{count} builds were invented in {time.monotonic() - begun:.0f} s.")
