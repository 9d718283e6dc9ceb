"""`python -m kettle_web.verification PATH`."""

from __future__ import annotations

import io
import os
import sys

from kettle_web.verification.cli import main


def _program() -> int:
    """The exit status is the verdict's, also on a terminal that knows no quotation marks and into a pipe that closes early."""
    out, err = io.StringIO(), io.StringIO()
    status = main(sys.argv[1:], out, err)
    for stream, text in ((sys.stdout, out), (sys.stderr, err)):
        encoding = stream.encoding or "ascii"
        try:
            stream.write(text.getvalue().encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except BrokenPipeError:
            # What is still buffered would be written again at the end, and fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return status


if __name__ == "__main__":
    sys.exit(_program())
