"""Brings the database up to the code: migrations, the rows of the configured endpoints, the first administrator.

``python -m kettle_web.launcher.prepare [--no-admin]``, a process of its own that ends when it is done. Safe to run at every
start; the launcher leaves it out when nothing that it depends on has changed.
"""

import argparse
import os
import sys

import django
from django.core.management import call_command


def main() -> int:
    parser = argparse.ArgumentParser(description="Bring the database of Kettle Web up to its code.")
    parser.add_argument("--no-admin", action="store_true", help="do not make the first administrator")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kettle_web.settings")
    django.setup()
    # Modules with models may be imported only now that Django is set up.
    from django.conf import settings

    from kettle_web.builds.endpoints import endpoints_sync
    from kettle_web.builds.errors import BuildError

    call_command("migrate", verbosity=0)
    try:
        endpoints_sync(settings.ENV)
    except BuildError as error:
        print(f"KETTLE_ENDPOINTS: {error.message}", file=sys.stderr)  # noqa: T201
        return 2
    if not arguments.no_admin:
        call_command("admin_ensure")
    return 0


if __name__ == "__main__":
    sys.exit(main())
