"""The verifier as a process: what it printed goes out, and its exit status is the verdict's."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from kettle_web.verification.arguments import UNUSABLE
from kettle_web.verification.cli import main


def program(argv: Sequence[str]) -> int:
    """Runs the verifier on `argv` (without its name) and this process's streams; gives the exit status.

    It is the verdict's, also on a terminal that knows no quotation marks, into a pipe that closes early and without any stream.
    A report that cannot be written (a full disk) gives `UNUSABLE`: half of one is no verdict.
    """
    out, err = io.StringIO(), io.StringIO()
    status = main(argv, out, err)
    try:
        _write(sys.stdout, out.getvalue())
    except OSError as error:
        err.write(f"The report cannot be written: {error.strerror or error}.\n")
        status = UNUSABLE
    with suppress(OSError):  # Then there is nobody left to tell; the status says it.
        _write(sys.stderr, err.getvalue())
    return status


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # Closed before we began.
        return
    encoding = stream.encoding or "ascii"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        # What is still buffered would be written again at the end, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise
