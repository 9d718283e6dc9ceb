"""Exports of one build: tables, software bills of materials, and the bundle as it came."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header

from kettle_web.builds.models import Build
from kettle_web.core.blobs import CHUNK_BYTES, blob_exists, blob_open
from kettle_web.core.downloads import SAFE_HEADERS, file_name
from kettle_web.core.tables import Row, stream_response, table_response
from kettle_web.provenance.inputs import inputs
from kettle_web.verifications.explorer.documents import statement_of
from kettle_web.verifications.models import Artifact, ImportedFile
from kettle_web.verifications.selectors import report_latest

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "inputs": ("index", "kind", "name", "version", "ecosystem", "entry", "digest"),
    "dependencies": ("ecosystem", "name", "version", "uri", "digest"),
    "artifacts": ("name", "sha256", "size", "outcome", "reason"),
    "checks": ("code", "title", "link", "outcome", "required", "reason", "expected", "actual", "anchor"),
}


def build_table(request: HttpRequest, build: Build, *, name: str, form: str) -> HttpResponseBase:
    """One of the tables of `COLUMNS`, whole. Raises `Http404` for others, and where the build has none."""
    if name not in COLUMNS:
        raise Http404
    about = {"build": build.uid, "verdict": build.verdict, "provenance_sha256": build.provenance_sha256}
    rows = _input_rows(build) if name == "inputs" else _report_rows(build, name)
    return table_response(request, form=form, name=f"{build.uid}-{name}", columns=COLUMNS[name], rows=rows, about=about)


def _input_rows(build: Build) -> Iterator[Row]:
    found = inputs(statement_of(build))
    return ((item.index, item.kind, item.name, item.version, item.ecosystem, item.entry, item.digest) for item in found)


def _report_rows(build: Build, name: str) -> Iterator[Row]:
    row = report_latest(build)
    if row is None:
        raise Http404
    document: dict[str, Any] = row.document
    items = (document.get("provenance") or {}).get("dependencies", []) if name == "dependencies" else document.get(name, [])
    return ([item.get(column) for column in COLUMNS[name]] for item in items)


def sbom_response(build: Build, kind: str) -> HttpResponse:
    """`cyclonedx` or `spdx`. Raises `Http404` for a build without a provenance that can be read."""
    # The libraries take a tenth of a second to load, which no other page needs.
    from kettle_web.provenance.sbom import cyclonedx, spdx

    statement = statement_of(build)
    notes = {"verdict": build.verdict or "not judged", "verdict-sentence": build.headline}
    if kind == "cyclonedx":
        data, content_type, ending = cyclonedx.cyclonedx_bytes(statement, notes=notes), cyclonedx.CONTENT_TYPE, "cdx.json"
    else:
        data, content_type, ending = spdx.spdx_bytes(statement, notes=notes), spdx.CONTENT_TYPE, "spdx.json"
    return HttpResponse(data, content_type=content_type, headers=_headers(f"{build.uid}.{ending}"))


def _headers(name: str) -> dict[str, str]:
    return {
        **SAFE_HEADERS,
        "Cache-Control": "private, no-store",
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
    }


def bundle_response(request: HttpRequest, build: Build) -> HttpResponseBase:
    """The documents and files as they are stored, as a ZIP without compression; the same bytes each time.

    A build that came as a tarball has that too, byte for byte, at `builds:file`.
    """
    parts = bundle_parts(build)
    if not parts:
        raise Http404
    return stream_response(request, zip_pieces(parts), headers=_headers(f"{build.uid}-bundle.zip"), content_type="application/zip")


def bundle_parts(build: Build) -> list[tuple[str, str]]:
    """Names and digests of what is stored; names that would leave the folder lose their path, doubled ones get a number."""
    named = [("provenance.json", build.provenance_sha256), ("evidence.json", build.evidence_sha256)]
    stored = Artifact.objects.filter(build=build, is_stored=True).order_by("name", "pk")
    files = [(row.name, row.sha256_hex) for row in stored]
    files += [(row.name, row.sha256) for row in ImportedFile.objects.filter(build=build)]
    seen: set[str] = set()
    parts = [(name, digest) for name, digest in named if digest and blob_exists(digest)]
    for name, digest in dict.fromkeys(files):
        shown, number = file_name(name), 1
        while shown.casefold() in seen:
            number += 1
            shown = f"{number}-{file_name(name)}"
        if blob_exists(digest):
            seen.add(shown.casefold())
            parts.append((f"artifacts/{shown}", digest))
    return parts


class _Outlet:
    """Takes what zipfile writes, and cannot go back."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._at = 0

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        pass


def zip_pieces(parts: list[tuple[str, str]]) -> Iterator[bytes]:
    """Yield a ZIP as it is made, in constant memory."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:  # type: ignore[call-overload]
        for name, digest in parts:
            with blob_open(digest) as source, archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK_BYTES):
                    target.write(chunk)
                    yield b"".join(outlet.pieces)
                    outlet.pieces.clear()
    yield b"".join(outlet.pieces)
