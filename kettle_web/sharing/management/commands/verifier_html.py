"""Writes `verifier.html`, which goes into a release beside its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kettle_web.sharing.verifier_file import verifier_html


class Command(BaseCommand):
    help = "Write the browser's verifier as one file that stands alone, and say its SHA-256."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("output", nargs="?", default="verifier.html", help="Where to (default: verifier.html here).")

    def handle(self, *args: Any, **options: Any) -> None:
        data = verifier_html()
        Path(options["output"]).write_bytes(data)
        self.stdout.write(f"{hashlib.sha256(data).hexdigest()}  {options['output']}")
