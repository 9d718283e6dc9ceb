"""`python -m kettle_web.verification PATH`."""

from __future__ import annotations

import sys

from kettle_web.verification.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout, sys.stderr))
