"""«Check a bundle you already have»: its bytes are stored as they came and verified like a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, Final, cast

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kettle_web.archives.limits import EVIDENCE_BYTES, MIB, PROVENANCE_BYTES
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Build, Upload
from kettle_web.builds.services import build_dispatch, build_import_create, build_submitted
from kettle_web.core.blobs import blob_write
from kettle_web.verifications.clean import text_storable
from kettle_web.verifications.models import Import, ImportedFile

MAX_FILES: Final = 1024
GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True)
class LooseFile:
    """A file of a plain form."""

    name: str
    file: IO[bytes]
    size: int


@dataclass(frozen=True)
class Bundle:
    """What was given: a tarball (uploaded in chunks or by form), or loose documents with or without artifacts."""

    upload: Upload | None = None
    tarball: LooseFile | None = None
    provenance: LooseFile | None = None
    evidence: LooseFile | None = None
    artifacts: Sequence[LooseFile] = ()


def bundle_import(
    *,
    owner: User,
    bundle: Bundle,
    want_artifacts: bool = True,
    nonce: bytes | None = None,
    label: str = "",
    submission_key: str = "",
) -> Build:
    """Store the bundle and queue its verification; the same `submission_key` again gives the same build.

    Raises `BuildError` with a sentence for what cannot be taken.
    """
    if existing := build_submitted(owner, submission_key):
        return existing
    fields, files = _stored(owner, bundle, want_artifacts=want_artifacts)
    try:
        with transaction.atomic():
            build = build_import_create(owner=owner, label=text_storable(label, 200), submission_key=submission_key, **fields)
            Import.objects.create(build=build, want_artifacts=want_artifacts, nonce=nonce)
            ImportedFile.objects.bulk_create(ImportedFile(build=build, name=name, sha256=sha256, size=size) for name, sha256, size in files)
            if bundle.upload is not None:
                Upload.objects.filter(pk=bundle.upload.pk).update(used_at=timezone.now())
            build_dispatch(build)
    except IntegrityError:
        # The same form, sent twice at once: the other request has made the build.
        if existing := build_submitted(owner, submission_key):
            return existing
        raise
    return build


def _stored(owner: User, bundle: Bundle, *, want_artifacts: bool) -> tuple[dict[str, Any], tuple[tuple[str, str, int], ...]]:
    """Write the bytes and give the build's columns, and the loose files as name, SHA-256 and size."""
    loose = bundle.provenance or bundle.evidence
    given = [item for item in (bundle.upload, bundle.tarball, loose) if item is not None]
    if not given:
        raise BuildError("import-nothing", _("Choose a result tarball, or provenance.json and evidence.json."))
    if len(given) > 1:
        raise BuildError("import-both", _("Give either a result tarball or single documents, not both."))
    if bundle.upload is not None:
        return _from_upload(owner, bundle.upload), ()
    if bundle.tarball is not None:
        return _from_tarball(bundle.tarball), ()
    artifacts = bundle.artifacts if want_artifacts else ()
    fields = {
        "provenance_sha256": _document(bundle.provenance, "provenance.json", PROVENANCE_BYTES),
        "evidence_sha256": _document(bundle.evidence, "evidence.json", EVIDENCE_BYTES),
    }
    return fields, _artifacts(artifacts)


def _from_upload(owner: User, upload: Upload) -> dict[str, Any]:
    if upload.owner_id != owner.pk:
        raise BuildError("upload-missing", _("There is no such upload."), status=404)
    if not upload.sha256:
        raise BuildError("upload-unfinished", _("The upload is not complete yet. Wait until it is, then try again."))
    return {"result_sha256": upload.sha256, "result_size": upload.size, "source_name": upload.name}


def _from_tarball(tarball: LooseFile) -> dict[str, Any]:
    if tarball.file.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
        raise BuildError("import-not-tar-gz", _("This is not a gzip-compressed tarball (.tar.gz)."))
    tarball.file.seek(0)
    blob = blob_write(cast(BinaryIO, tarball.file))
    return {
        "result_sha256": blob.sha256_hex,
        "result_size": blob.size,
        "source_name": text_storable(tarball.name, 255),
    }


def _document(given: LooseFile | None, name: str, limit: int) -> str:
    if given is None:
        return ""
    if given.size > limit:
        raise BuildError(
            "import-document-size",
            _("%(name)s is larger than %(limit)d MiB.") % {"name": name, "limit": limit // MIB},
            status=413,
        )
    if not given.size:
        raise BuildError("import-document-empty", _("%(name)s is empty.") % {"name": name})
    return blob_write(cast(BinaryIO, given.file)).sha256_hex


def _artifacts(files: Sequence[LooseFile]) -> tuple[tuple[str, str, int], ...]:
    if len(files) > MAX_FILES:
        raise BuildError("import-many", _("A bundle may hold at most %(count)d files.") % {"count": MAX_FILES})
    names = [text_storable(item.name, 255) for item in files]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise BuildError("import-doubled", _("Two files are called «%(name)s».") % {"name": doubled[0]})
    rows = []
    for name, item in zip(names, files, strict=True):
        blob = blob_write(cast(BinaryIO, item.file))
        rows.append((name, blob.sha256_hex, blob.size))
    return tuple(rows)
