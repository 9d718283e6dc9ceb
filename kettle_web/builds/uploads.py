"""Archives on their way up: in chunks that can be resumed, appended to one file in the data folder, then stored
whole.
"""

from __future__ import annotations

import fcntl
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Upload
from kettle_web.builds.preflight import archive_inspect
from kettle_web.core.blobs import CHUNK_BYTES, blob_path_local, blob_write
from kettle_web.core.disk import disk_errors, disk_require
from kettle_web.core.visible import visible

CHUNK_LIMIT_BYTES = 4 * 1024 * 1024
"""Of one chunk: small enough for any proxy, large enough that a gigabyte is 256 requests."""
UNFINISHED_PER_USER = 8
UNFINISHED_HOURS = 24
"""An unfinished upload that is older than this does not count against its owner any more."""


class OffsetMismatch(BuildError):
    """The chunk does not begin where the stored bytes end; `received` says where that is."""

    def __init__(self, received: int) -> None:
        super().__init__("upload-offset", _("This piece does not fit to what is stored already."), status=409)
        self.received = received


def upload_path(upload: Upload) -> Path:
    folder = Path(settings.DATA_DIR) / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{upload.uid}.part"


def upload_create(*, owner: User, name: str, size: int) -> Upload:
    """Begin an upload of `size` bytes. Raises `BuildError` or `DiskFull` when there is no room for it."""
    limit = settings.MAX_UPLOAD_BYTES
    if size <= 0:
        raise BuildError("upload-empty", _("This file is empty."))
    if size > limit:
        raise BuildError(
            "upload-size",
            _("This file is larger than this site accepts: %(limit)s MiB.") % {"limit": limit // 1024**2},
            status=413,
        )
    unfinished = Upload.objects.filter(owner=owner, sha256="", created_at__gt=_horizon(timezone.now())).count()
    if unfinished >= UNFINISHED_PER_USER:
        raise BuildError(
            "upload-many",
            _("You have %(count)s unfinished uploads. Finish them, or wait a day until they are removed.") % {"count": unfinished},
            status=429,
        )
    last = visible(name.replace("\\", "/").rsplit("/", 1)[-1]).strip()[:255] or "source"
    upload = Upload(owner=owner, name=last, size=size)
    # The bytes are on disk twice for a moment: the file in the making and the stored one.
    disk_require(upload_path(upload).parent, 2 * size)
    upload.save()
    return upload


def upload_append(*, upload: Upload, offset: int, chunk: bytes) -> Upload:
    """Append a chunk that begins at `offset`; the last one finishes the upload.

    A chunk that was stored before its answer got lost is told by `OffsetMismatch`, with the offset to continue at.
    Raises `BuildError` or `DiskFull`; what was stored stays.
    """
    if len(chunk) > CHUNK_LIMIT_BYTES:
        raise BuildError("upload-chunk", _("A piece may have at most 4 MiB."), status=413)
    if upload.sha256:
        return upload
    with disk_errors(), upload_path(upload).open("a+b", buffering=0) as file:
        # Held until the row is changed: two pieces sent at once cannot mix.
        fcntl.flock(file, fcntl.LOCK_EX)
        upload.refresh_from_db()
        if upload.received != offset:
            raise OffsetMismatch(upload.received)
        if offset + len(chunk) > upload.size:
            raise BuildError("upload-size", _("More bytes came than were announced. Start the upload again."))
        # After a crash between file and row the file is longer than the row knows.
        file.truncate(offset)
        _write_all(file, chunk)
        os.fdatasync(file.fileno())
        upload.received = offset + len(chunk)
        upload.save(update_fields=["received"])
    return upload_finish(upload=upload) if upload.received == upload.size else upload


def _write_all(file: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def upload_finish(*, upload: Upload) -> Upload:
    """Store the complete file under its digest and look into it. Safe to run twice. Raises `BuildError`, `DiskFull`."""
    if upload.sha256:
        return upload
    if upload.received != upload.size:
        raise BuildError("upload-unfinished", _("The upload is not complete yet."))
    path = upload_path(upload)
    if not path.exists():
        raise BuildError("upload-missing", _("The uploaded file is gone. Start the upload again."), status=404)
    blob = blob_write(path)
    if blob.size != upload.size:
        raise BuildError("upload-size", _("The stored file has another size than announced. Start the upload again."))
    with blob_path_local(blob.sha256_hex) as stored:
        upload.inspection = archive_inspect(stored)
    upload.sha256 = blob.sha256_hex
    upload.save(update_fields=["sha256", "inspection"])
    path.unlink(missing_ok=True)
    return upload


def upload_from_form(*, owner: User, name: str, file: IO[bytes], size: int) -> Upload:
    """Take the file of a plain form, whole, as an upload."""
    upload = upload_create(owner=owner, name=name, size=size)
    with disk_errors(), upload_path(upload).open("wb") as target:
        while data := file.read(CHUNK_BYTES):
            target.write(data)
    upload.received = upload_path(upload).stat().st_size
    upload.save(update_fields=["received"])
    return upload_finish(upload=upload)


def _horizon(now: datetime) -> datetime:
    return now - timedelta(hours=UNFINISHED_HOURS)
