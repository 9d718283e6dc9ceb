"""Times as Kettle writes them: RFC 3339 with an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from kettle_web.provenance.errors import ProvenanceError

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def time_parse(text: str) -> datetime:
    """The moment, in UTC; digits finer than a microsecond are cut. Raises `ProvenanceError`."""
    match = _RFC3339.fullmatch(text)
    if not match:
        raise ProvenanceError("time.malformed", f"{text[:60]!r} is not a time of the form of RFC 3339")
    day, clock, fraction, offset = match.groups()
    offset = "+00:00" if offset in "Zz" else offset
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{offset}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ProvenanceError("time.malformed", f"{text[:60]!r} is not a moment") from error
