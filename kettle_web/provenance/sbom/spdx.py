"""SPDX 2.3, JSON. Source: the SPDX specification 2.3, and spdx-tools, which writes it."""

from __future__ import annotations

import json
import re
from typing import Final

from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    File,
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)

from kettle_web.provenance.digests import is_git_object
from kettle_web.provenance.sbom.content import LIMITS, Component, components, made_at, serial, title
from kettle_web.provenance.statement import Statement, Subject

CONTENT_TYPE: Final = "application/spdx+json"
_ALGORITHMS: Final = {
    "sha1": ChecksumAlgorithm.SHA1, "sha256": ChecksumAlgorithm.SHA256, "sha384": ChecksumAlgorithm.SHA384,
    "sha512": ChecksumAlgorithm.SHA512,
}  # fmt: skip
_DOCUMENT, _BUILD = "SPDXRef-DOCUMENT", "SPDXRef-build"
_GIT_URL: Final = re.compile(r"https?://[^\s#@]+")


def spdx_bytes(statement: Statement, *, notes: dict[str, str] | None = None) -> bytes:
    """The document, UTF-8. `notes`: said in its comment beside the limits, such as the verdict."""
    said = "; ".join(f"{name}: {value}" for name, value in sorted((notes or {}).items()))
    packages = [_package(item) for item in components(statement)]
    files = [_file(at, subject) for at, subject in enumerate(statement.subjects) if subject.sha256_hex]
    relations = [
        Relationship(_DOCUMENT, RelationshipType.DESCRIBES, _BUILD),
        *(Relationship(_BUILD, RelationshipType.DEPENDS_ON, package.spdx_id) for package in packages),
        *(Relationship(file.spdx_id, RelationshipType.GENERATED_FROM, _BUILD) for file in files),
    ]
    document = Document(
        creation_info=CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id=_DOCUMENT,
            name=title(statement),
            # An identifier, no address: nothing can be fetched there.
            document_namespace=f"urn:uuid:{serial(statement, 'spdx')}",
            creators=[Actor(ActorType.TOOL, "kettle-web")],
            created=made_at(statement),
            creator_comment=LIMITS,
            document_comment=f"{LIMITS} SHA-256 of the provenance: {statement.raw_sha256.hex()}." + (f" {said}." if said else ""),
        ),
        packages=[_build(statement), *packages],
        files=files,
        relationships=relations,
    )
    converter = DocumentConverter()  # type: ignore[no-untyped-call]
    return json.dumps(converter.convert(document), indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _build(statement: Statement) -> Package:
    is_fetchable = bool(_GIT_URL.fullmatch(statement.source_uri)) and is_git_object(statement.git_commit)
    return Package(
        spdx_id=_BUILD,
        name=title(statement),
        download_location=f"git+{statement.source_uri}@{statement.git_commit}" if is_fetchable else SpdxNoAssertion(),
        version=statement.git_commit or None,
        files_analyzed=False,
        primary_package_purpose=PackagePurpose.APPLICATION,
        license_concluded=SpdxNoAssertion(),
        license_declared=SpdxNoAssertion(),
        copyright_text=SpdxNoAssertion(),
    )


def _package(item: Component) -> Package:
    references = []
    if item.purl is not None:
        references.append(ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", item.purl.to_string()))
    return Package(
        spdx_id=f"SPDXRef-{item.ref}",
        name=item.name,
        download_location=SpdxNoAssertion(),
        version=item.version or None,
        files_analyzed=False,
        checksums=[Checksum(_ALGORITHMS[item.digest.algorithm], item.digest.hex)] if item.digest else [],
        source_info=f"Stated as {item.stated_uri}",
        external_references=references,
        license_concluded=SpdxNoAssertion(),
        license_declared=SpdxNoAssertion(),
        copyright_text=SpdxNoAssertion(),
    )


def _file(at: int, subject: Subject) -> File:
    """SPDX wants a SHA-1 of every file; there is none, and one is not made up."""
    return File(
        name=f"./{subject.name}",
        spdx_id=f"SPDXRef-file-{at}",
        checksums=[Checksum(ChecksumAlgorithm.SHA256, subject.sha256_hex)],
        license_concluded=SpdxNoAssertion(),
        copyright_text=SpdxNoAssertion(),
    )
