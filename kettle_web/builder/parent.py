"""Ending with the process that started this one, where the system can do that (Linux)."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Source: prctl(2)."""
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent(word: signal.Signals) -> None:
    """Have the kernel send `word` to this process when its parent dies. Safe between fork and exec."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, word, 0, 0, 0)
