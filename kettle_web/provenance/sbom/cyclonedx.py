"""CycloneDX 1.6, JSON. Source: ECMA-424, and cyclonedx-python-lib, which writes it."""

from __future__ import annotations

import json
from typing import Final

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as CdxComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.output.json import JsonV1Dot6

from kettle_web.provenance.sbom.content import LIMITS, Component, components, made_at, serial, title
from kettle_web.provenance.statement import Statement, Subject

CONTENT_TYPE: Final = "application/vnd.cyclonedx+json; version=1.6"
_HASHES: Final = {
    "sha1": HashAlgorithm.SHA_1, "sha256": HashAlgorithm.SHA_256, "sha384": HashAlgorithm.SHA_384, "sha512": HashAlgorithm.SHA_512,
}  # fmt: skip
_PREFIX: Final = "kettle-web:"


def cyclonedx_bytes(statement: Statement, *, notes: dict[str, str] | None = None) -> bytes:
    """The document, UTF-8. `notes`: further properties, such as the verdict, by names without prefix."""
    root = CdxComponent(
        name=title(statement),
        version=statement.git_commit,
        type=ComponentType.APPLICATION,
        bom_ref="build",
        components=[_file(at, subject) for at, subject in enumerate(statement.subjects)],
        external_references=_source(statement),
    )
    found = [_component(item) for item in components(statement)]
    properties = {
        "limits": LIMITS,
        "provenance-sha256": statement.raw_sha256.hex(),
        "completeness": "as the lockfile resolved",
        **(notes or {}),
    }
    bom = Bom(
        serial_number=serial(statement, "cyclonedx"),
        metadata=BomMetaData(
            timestamp=made_at(statement),
            component=root,
            properties=[Property(name=_PREFIX + name, value=value) for name, value in sorted(properties.items())],
        ),
        components=found,
    )
    bom.register_dependency(root, found)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _file(at: int, subject: Subject) -> CdxComponent:
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=subject.sha256_hex)] if subject.sha256_hex else []
    return CdxComponent(name=subject.name or "file", type=ComponentType.FILE, bom_ref=f"file-{at}", hashes=hashes)


def _source(statement: Statement) -> list[ExternalReference]:
    if not statement.source_uri:
        return []
    return [ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(statement.source_uri))]


def _component(item: Component) -> CdxComponent:
    hashes = [HashType(alg=_HASHES[item.digest.algorithm], content=item.digest.hex)] if item.digest else []
    return CdxComponent(
        name=item.name,
        version=item.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=item.ref,
        purl=item.purl,
        hashes=hashes,
        properties=[Property(name=f"{_PREFIX}stated-uri", value=item.stated_uri)],
    )
