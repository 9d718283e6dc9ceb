"""Brings the database up to the code: migrations, the rows of the configured endpoints, the first administrator.

``python -m kettle_web.launcher.prepare [--no-admin]``, a process of its own that ends when it is done. Safe to run at every
start; the launcher leaves it out when nothing that it depends on has changed.
"""

import argparse
import os

import django
from django.core.management import call_command, get_commands


def main() -> None:
    parser = argparse.ArgumentParser(description="Bring the database of Kettle Web up to its code.")
    parser.add_argument("--no-admin", action="store_true", help="do not make the first administrator")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kettle_web.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    if "endpoints_sync" in get_commands():
        call_command("endpoints_sync")
    if not arguments.no_admin:
        call_command("admin_ensure")


if __name__ == "__main__":
    main()
