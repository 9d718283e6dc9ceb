"""Where a log says what went wrong first: compilers, panics, package managers, builders. Pure; a hint, never a judgement."""

from __future__ import annotations

import re
from typing import Final

from kettle_web.builds.eventlog import NOTE_TYPE
from kettle_web.builds.loglines import Line

LOOKED_AT_CHARS: Final = 2000
"""Of a line: what is wrong is said at its beginning."""
_NOT_LOOKED_AT: Final = frozenset({NOTE_TYPE, "complete", "queued"})
"""The terminal event repeats what happened before it."""
_ERROR: Final = re.compile(
    r"""^\s*(?:
          error(?:\[E\d+\])?:\ (?!0\b)              # rustc, cargo, nix, git, clang's driver
        | fatal(?:\ error)?:\                       # git, Go's runtime
        | thread\ '[^']*'\ (?:\(\d+\)\ )?panicked\ at    # Rust
        | panic:\                                   # Go
        | npm\ (?:ERR!|error)\s                     # npm
        | ERR_PNPM_\w+ | \S{0,3}\s?ERR_PNPM_\w+      # pnpm
        | error\ Command\ failed                    # yarn
        | Traceback\ \(most\ recent\ call\ last\)   # Python
        | Uncaught\ \w*(?:Error|Exception)\b
        | (?:\w+\.)*\w*(?:Error|Exception):\        # Python, JavaScript, Java
        | g?make(?:\[\d+\])?:\ \*\*\*\              # make
        | ---\ FAIL:\ | FAIL\s                      # Go's tests
        | test\ result:\ FAILED
        | collect2:\ error
        | (?:\S*/)?ld(?:\.\w+)?:\ (?!warning)
        | ERROR\b[:!\ ]
    )
    | ^\S[^\s:]*:\d+(?::\d+)?:\ (?:fatal\ )?error:?\   # gcc, clang
    | ^\S[^\s:]*\(\d+,\d+\):\ error\                 # tsc, msbuild
    | \berror\ TS\d+:
    | \bbuilder\ for\ '[^']*'\ failed
    | \bundefined\ reference\ to\b
    | \bNo\ space\ left\ on\ device\b
    | \b(?:Segmentation\ fault|Out\ of\ memory|Killed)\b(?:\s*\(|\s*$)
    """,
    re.VERBOSE,
)
_HINTS: Final = re.compile(r"rror|ERR|atal|panic|Traceback|Exception|\*\*\*|FAIL|ld|builder for|undefined ref|No space|Segm|Out of|Killed")
"""What any of those holds: most lines need no second look."""


def is_error(line: Line) -> bool:
    """Tell whether a line reads like an error."""
    if line.type in _NOT_LOOKED_AT or _HINTS.search(line.raw) is None:
        return False
    return _ERROR.search(line.text[:LOOKED_AT_CHARS]) is not None
