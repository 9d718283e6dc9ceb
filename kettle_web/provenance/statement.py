"""A provenance document as a value: in-toto Statement v1 around SLSA build provenance v1, as Kettle writes it.

Reading is strict about the shape and keeps everything: `raw` are the bytes that were signed, `document` holds unknown
fields too. Whether what it says is right is for `kettle_web.verification` to judge.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NamedTuple

from kettle_web.provenance.dependencies import DependencyUri, dependency_uri_parse
from kettle_web.provenance.digests import digest_parse
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.fields import digest_pairs, list_at, object_at, text_at
from kettle_web.provenance.strict_json import json_parse
from kettle_web.provenance.times import time_parse

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://slsa.dev/provenance/v1"
BUILD_TYPES: Final = {
    "https://lunal.dev/kettle/cargo@v1": "cargo",
    "https://lunal.dev/kettle/nix@v1": "nix",
    "https://lunal.dev/kettle/pnpm@v1": "pnpm",
    "https://confidential.ai/attested-builds/v1": "",
}
"""Every build type that Kettle has written, and the toolchain that it names (empty: any)."""
DOCUMENT_LIMIT: Final = 16 * 1024 * 1024
"""Bytes. The largest known document has 143 kB."""
_TOOLCHAINS: Final = {"cargo": {"cargo", "rustc"}, "nix": {"nix"}, "pnpm": {"pnpm", "node"}}


@dataclass(frozen=True)
class Tool:
    """A program that took part, as the document states it."""

    version: str
    digest_text: str
    """SHA-256 of its binary, in the document's own spelling."""


class Dependency(NamedTuple):
    """An input of the build. A tuple, because documents have hundreds: it is made in a third of the time."""

    uri: str
    name: str
    version: str
    """Out of the address; empty where it has none (nix)."""
    ecosystem: str
    """``cargo``, ``nix``, ``npm`` or empty: not known."""
    digest_algorithm: str
    """The key as written: ``sha256``, ``sha512`` or ``gitCommit``."""
    digest_text: str
    """As written: hex, base64 or SRI."""
    said: DependencyUri
    """What the address says, taken apart once for all who compare it."""


@dataclass(frozen=True)
class Subject:
    """A file that the build made."""

    name: str
    sha256_hex: str
    """Empty: the document gives no readable SHA-256."""
    digests: tuple[tuple[str, str], ...]
    """Every digest as written: algorithm, text."""


@dataclass(frozen=True)
class Statement:
    raw: bytes
    document: dict[str, Any]
    type_uri: str
    predicate_type: str
    build_type: str
    build_command: str
    source_uri: str
    """Origin of the repository; empty: it had none."""
    git_commit: str
    git_tree: str
    lockfile_digest_text: str
    """SHA-256 in the document's own spelling."""
    lockfile_sha256: str
    """The same in hex; empty: not readable."""
    toolchain: str
    """``cargo``, ``nix``, ``pnpm``, by the tools named; empty: none that is known here."""
    tools: dict[str, Tool]
    dependencies: tuple[Dependency, ...]
    builder_id: str
    merkle_root: str
    """Hex, as written; empty: the document states none."""
    invocation_id: str
    started_on: datetime
    finished_on: datetime | None
    """None: the document states none."""
    subjects: tuple[Subject, ...]

    @cached_property
    def raw_sha256(self) -> bytes:
        """SHA-256 of the document's bytes: computed once, for all who compare or show it."""
        return hashlib.sha256(self.raw).digest()


def statement_parse(data: bytes) -> Statement:
    """Reads a document of at most 16 MiB. Raises `ProvenanceError`, and nothing else, for whatever bytes."""
    document = json_parse(data, max_bytes=DOCUMENT_LIMIT, what="provenance.json")
    if not isinstance(document, dict):
        raise ProvenanceError("statement.shape", "provenance.json is not an object")
    definition = object_at(document, "predicate", "buildDefinition")
    external = object_at(definition, "externalParameters")
    internal = object_at(definition, "internalParameters")
    details = object_at(document, "predicate", "runDetails")
    metadata = object_at(details, "metadata")
    tools = {name: _tool(name, value) for name, value in object_at(internal, "toolchain").items()}
    lockfile_text = text_at(internal, "lockfileHash", "sha256")
    finished = metadata.get("finishedOn")
    return Statement(
        raw=data,
        document=document,
        type_uri=text_at(document, "_type"),
        predicate_type=text_at(document, "predicateType"),
        build_type=text_at(definition, "buildType"),
        build_command=text_at(external, "buildCommand"),
        source_uri=text_at(external, "source", "uri"),
        git_commit=text_at(external, "source", "digest", "gitCommit"),
        git_tree=text_at(external, "source", "digest", "gitTree"),
        lockfile_digest_text=lockfile_text,
        lockfile_sha256=_sha256_hex(lockfile_text),
        toolchain=_toolchain(tools),
        tools=tools,
        dependencies=tuple([_dependency(item) for item in list_at(definition, "resolvedDependencies")]),
        builder_id=text_at(details, "builder", "id"),
        merkle_root=_merkle_root(list_at(details, "byproducts")),
        invocation_id=text_at(metadata, "invocationId"),
        started_on=time_parse(text_at(metadata, "startedOn")),
        finished_on=None if finished is None else time_parse(text_at(metadata, "finishedOn")),
        subjects=tuple(_subject(item) for item in list_at(document, "subject")),
    )


def _sha256_hex(text: str) -> str:
    try:
        return digest_parse(text, "sha256").hex
    except ProvenanceError:
        return ""


def _tool(name: str, value: Any) -> Tool:
    if not isinstance(value, dict):
        raise ProvenanceError("statement.shape", f"the tool {name[:60]!r} is not an object")
    return Tool(version=text_at(value, "version"), digest_text=text_at(value, "digest", "sha256"))


def _toolchain(tools: dict[str, Tool]) -> str:
    """Which toolchain follows from the tools' names, in every generation of build types; two at once are none."""
    found = [name for name, needed in _TOOLCHAINS.items() if needed <= tools.keys()]
    return found[0] if len(found) == 1 else ""


def _dependency(item: Any) -> Dependency:
    try:
        uri, name = item["uri"], item["name"]
        ((algorithm, text),) = item["digest"].items()
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _dependency_fault(item) from None
    # Strings of our reader are of exactly this type; a digest's key always is one.
    if not (type(uri) is type(name) is type(text) is str):
        raise _dependency_fault(item)
    said = dependency_uri_parse(uri)
    return Dependency(uri, name, said.version, said.ecosystem, algorithm, text, said)


def _dependency_fault(item: Any) -> ProvenanceError:
    """What is wrong with an entry that could not be taken apart in one go."""
    try:
        text_at(item, "uri")
        name = text_at(item, "name")
        pairs = digest_pairs(item)
    except ProvenanceError as error:
        return error
    return ProvenanceError("statement.digest", f"the dependency {name[:60]!r} has {len(pairs)} digests, not one")


def _subject(item: Any) -> Subject:
    pairs = digest_pairs(item)
    return Subject(text_at(item, "name"), _sha256_hex(dict(pairs).get("sha256", "")), pairs)


def _merkle_root(byproducts: list[Any]) -> str:
    found = [item for item in byproducts if isinstance(item, dict) and item.get("name") == "input_merkle_root"]
    if len(found) > 1:
        raise ProvenanceError("statement.merkle-root", "the document states two roots over its inputs")
    return text_at(found[0], "digest", "sha256") if found else ""
