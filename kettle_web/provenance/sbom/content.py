"""What both kinds of documents say: the thing that was built, its dependencies with right package URLs, and the limits."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from packageurl import PackageURL

from kettle_web.provenance.digests import Digest, digest_parse
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.statement import Dependency, Statement

LIMITS: Final = (
    "Made from the resolvedDependencies of a SLSA provenance. It is a statement of provenance and not a scan: it lists what the lockfile "
    "resolved, says nothing about licences, about tools and libraries of the system, or about which dependency needs which, and is worth "
    "as much as the provenance that it was made from."
)
NAMESPACE: Final = uuid.UUID("6d1c9a0e-6f0b-5b7e-9a63-9d0b0a6f4c11")
"""Of identifiers that follow from a provenance's digest."""
_SEGMENT: Final = re.compile(r"@[^/]+")


@dataclass(frozen=True)
class Component:
    ref: str
    """Stable within the document: `dependency-12`."""
    name: str
    version: str
    """Empty: the address states none."""
    purl: PackageURL | None
    """None: the address is of a form that no package URL fits."""
    digest: Digest | None
    """None: not readable, or a commit, which is no digest of the package's bytes."""
    stated_uri: str
    """As the provenance writes it."""


def serial(statement: Statement, kind: str) -> uuid.UUID:
    """An identifier that follows from the document's bytes."""
    return uuid.uuid5(NAMESPACE, f"{kind}:{statement.raw_sha256.hex()}")


def made_at(statement: Statement) -> datetime:
    """The builder's own time: a clock of ours would make another document each time."""
    return (statement.finished_on or statement.started_on).replace(microsecond=0)


def title(statement: Statement) -> str:
    """What was built, for people."""
    uri = statement.source_uri.rstrip("/").removesuffix(".git")
    return uri.rpartition("/")[2] or (statement.subjects[0].name if statement.subjects else "") or "build"


def components(statement: Statement) -> list[Component]:
    return [_component(at, item) for at, item in enumerate(statement.dependencies)]


def _component(at: int, item: Dependency) -> Component:
    return Component(f"dependency-{at}", item.name or item.uri, item.version, purl(item), _digest(item), item.uri)


def _digest(item: Dependency) -> Digest | None:
    if item.digest_algorithm == "gitCommit":
        return None
    try:
        # pnpm and nix write any hash under the key sha256 or sha512: a text that names its own algorithm is right.
        algorithm = "" if item.digest_text.startswith("sha") else item.said.digest_algorithm or item.digest_algorithm
        return digest_parse(item.digest_text, algorithm)
    except ProvenanceError:
        return None


def purl(item: Dependency) -> PackageURL | None:
    """The package URL of a dependency, in the form of its type. Kettle's own addresses are not always valid ones."""
    if item.ecosystem == "cargo":
        qualifiers = {"vcs_url": f"git+{item.said.vcs_url}@{item.said.digest_text}"} if item.said.vcs_url else {}
        return _purl("cargo", "", item.name, item.version, qualifiers)
    if item.ecosystem == "npm":
        scope, _, name = item.name.rpartition("/") if _SEGMENT.match(item.name) else ("", "", item.name)
        qualifiers = {"vcs_url": item.said.vcs_url} if item.said.vcs_url else {}
        return _purl("npm", scope, name, item.version, qualifiers)
    if item.ecosystem == "nix":
        # There is no registered type for a fixed-output derivation; `generic` with the checksum is what the specification offers.
        digest = _digest(item)
        return _purl("generic", "", item.name, "", {"checksum": f"{digest.algorithm}:{digest.hex}"} if digest else {})
    return None


def _purl(kind: str, namespace: str, name: str, version: str, qualifiers: dict[str, str]) -> PackageURL | None:
    try:
        return PackageURL(kind, namespace or None, name, version or None, qualifiers or None)
    except ValueError:
        return None
