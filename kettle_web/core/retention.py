"""Which stored files are still wanted, and the removal of those that nothing refers to.

An app says in its `AppConfig.ready` which digests its rows refer to. A file that nothing refers to is marked; when it is still
marked and unreferenced after `GRACE`, it is removed. Whoever stores bytes, or refers to stored ones, holds them first
(`blob_hold`): that removes the mark, and waits where the removal has begun, so that afterwards the bytes are either here or
certainly gone. `GRACE` is longer than any work between holding a file and committing the row that refers to it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import QuerySet

from kettle_web.core.blobs import blob_name, scratch_folder
from kettle_web.core.models import UnreferencedBlob

logger = logging.getLogger(__name__)
GRACE: Final = timedelta(hours=24)
DIGITS: Final = "0123456789abcdef"
SWEEP_SECONDS: Final = 900
"""Between two runs, each of a sixteenth of the files: every file is looked at every four hours."""
SCRATCH_SECONDS: Final = 24 * 3600
"""A file in the making that nobody wrote to for this long belongs to a process that was killed."""
_HEX: Final = re.compile(r"[0-9a-f]{64}")

References = Callable[[], "QuerySet[Any, Any] | Iterable[str]"]
"""Gives SHA-256 digests in hex: all of them, or a queryset of one column (`values_list(…, flat=True)`; hex, or 32 raw bytes)."""
_registry: dict[str, References] = {}


def reference_register(name: str, references: References) -> None:
    """Say which stored files are referred to. The same name again replaces what was said before."""
    _registry[name] = references


def references_with(digit: str) -> set[str]:
    """Give every digest that is referred to and begins with this hexadecimal digit."""
    found: set[str] = set()
    for references in list(_registry.values()):
        found.update(_with_digit(references(), digit))
    return found


def _with_digit(found: QuerySet[Any, Any] | Iterable[str], digit: str) -> Iterator[str]:
    if not isinstance(found, QuerySet):
        yield from (value for value in found if value.startswith(digit))
        return
    [name] = found.query.values_select or tuple(found.query.annotation_select)
    is_raw = isinstance(found.model._meta.get_field(name), models.BinaryField) if "__" not in name else False
    if is_raw:
        first = int(digit, 16) << 4
        found = found.filter(**{f"{name}__gte": bytes([first])})
        if first < 0xF0:
            found = found.filter(**{f"{name}__lt": bytes([first + 0x10])})
    else:
        found = found.filter(**{f"{name}__startswith": digit})
    for value in found.iterator(2000):
        yield bytes(value).hex() if is_raw else str(value)


def blobs_sweep(*, now: datetime, digit: str) -> int:
    """Mark the files of a sixteenth that nothing refers to, and remove those that were marked long enough; give how many.

    Safe to run twice, also at once, and to be killed at any moment.
    """
    marked = {row.sha256: row.since for row in UnreferencedBlob.objects.filter(sha256__startswith=digit)}
    stored = set(_stored(digit))
    # Read after the files: what was referred to before a file was seen is in it.
    wanted = references_with(digit)
    fresh = stored - wanted - marked.keys()
    UnreferencedBlob.objects.bulk_create((UnreferencedBlob(sha256=value, since=now) for value in sorted(fresh)), 500, ignore_conflicts=True)
    for value in sorted(marked.keys() & wanted | marked.keys() - stored):
        UnreferencedBlob.objects.filter(sha256=value).delete()
    due = [value for value, since in marked.items() if value in stored and value not in wanted and since <= now - GRACE]
    return sum(_remove(value, now) for value in sorted(due))


def _stored(digit: str) -> Iterator[str]:
    for other in DIGITS:
        try:
            _folders, names = default_storage.listdir(f"blobs/{digit}{other}")
        except FileNotFoundError:
            continue
        yield from (name for name in names if _HEX.fullmatch(name))


def _remove(sha256_hex: str, now: datetime) -> bool:
    with transaction.atomic():
        # Who wants to hold the file waits for this row, or has taken it already.
        if not UnreferencedBlob.objects.filter(sha256=sha256_hex, since__lte=now - GRACE).delete()[0]:
            return False
        default_storage.delete(blob_name(sha256_hex))
    logger.info("Removed the stored file %s: nothing referred to it for a day.", sha256_hex)
    return True


def scratch_sweep(*, now: datetime) -> int:
    """Remove files in the making that a killed process left behind; give how many."""
    count = 0
    for path in scratch_folder().iterdir():
        if path.is_file() and _age(path, now) > SCRATCH_SECONDS:
            path.unlink(missing_ok=True)
            count += 1
    return count


def _age(path: Path, now: datetime) -> float:
    try:
        return now.timestamp() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def retention_run(now: datetime) -> None:
    """The periodic work: one sixteenth of the files, another one each time."""
    scratch_sweep(now=now)
    blobs_sweep(now=now, digit=DIGITS[int(now.timestamp() // SWEEP_SECONDS) % len(DIGITS)])


def kept_until(end: datetime | None, days: float) -> datetime | None:
    """Give the day until which something is kept that counts from `end`; None: for ever, or the end is not known yet."""
    return None if end is None or not days else end + timedelta(days=days)


def keep_setting(name: str) -> float:
    """Give a field of `env.KeepEnv`; 0: for ever."""
    return float(getattr(settings.KEEP, name))
