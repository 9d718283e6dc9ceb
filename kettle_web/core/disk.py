"""Room in the data folder."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils.translation import gettext as _

from kettle_web.core.errors import DiskFull

HEADROOM_BYTES = 64 * 1024 * 1024
"""Kept free, so that the database can still record why something failed."""


def disk_full() -> DiskFull:
    return DiskFull(_("There is no room left on this site's disk. Ask its operator to make some; nothing that was stored is lost."))


def disk_require(folder: Path, size: int) -> None:
    """Raise `DiskFull` unless `size` more bytes fit into the file system of `folder` with some headroom."""
    if shutil.disk_usage(folder).free < size + HEADROOM_BYTES:
        raise disk_full()


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn the system's «no space» and «over quota» into `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full() from error
        raise
