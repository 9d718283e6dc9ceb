"""`manage.py verify PATH …`: another face of `python -m kettle_web.verification`, with its options and exit status."""

import sys
from typing import Any, NoReturn

from django.core.management.base import BaseCommand

from kettle_web.verification.cli import main
from kettle_web.verification.program import program


class Command(BaseCommand):
    help = "Verify a bundle folder, a result tarball or an evidence.json. The options are those of the verifier."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> NoReturn:
        """Hand over every argument as it was typed: Django's own options (`--settings`, `-v`) are not the verifier's."""
        sys.exit(program(argv[2:]))

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        sys.exit(main(list(args), sys.stdout, sys.stderr))
