"""`python -m kettle_web.verification PATH`."""

from __future__ import annotations

import sys

from kettle_web.verification.program import program

if __name__ == "__main__":
    sys.exit(program(sys.argv[1:]))
