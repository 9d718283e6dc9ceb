"""The provenance of one build, as the facts of the format have it: key order, tools, dependencies, Merkle root."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import kettle_web
from kettle_web.builder.drivers.base import Dependency, Inputs, Tool
from kettle_web.builder.sources import Identity
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.provenance.statement import statement_parse

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPES = {"current": "https://confidential.ai/attested-builds/v1", "legacy": "https://lunal.dev/kettle/{toolchain}@v1"}
"""Both generations that are in the field; the older one names the toolchain."""
BUILDER_ID = "https://kettle-web.invalid/embedded-builder/v1"
"""Our own, under a name that nobody can own: never that of the real Kettle, whose claims this builder cannot make."""
VERSION = "kettle-web-builder 0.1.0"
OWN_PACKAGES = ("archives", "builder", "outbound", "provenance")
NO_ROOT = "0" * 64


@dataclass(frozen=True)
class Artifact:
    """One file that the build made: its name, SHA-256 in hex, and size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Made:
    """One finished build, before it is signed. Times are UTC."""

    command: str
    identity: Identity
    inputs: Inputs
    artifacts: Sequence[Artifact]
    started_on: datetime
    finished_on: datetime
    random_hex: str
    """8 digits, for the invocation's id."""
    build_type: str = BUILD_TYPES["current"]


def build_type(generation: str, toolchain: str) -> str:
    """Give the buildType of a generation ("current" or "legacy") for a toolchain."""
    return BUILD_TYPES[generation].format(toolchain=toolchain)


def provenance_make(made: Made) -> bytes:
    """Give the bytes of provenance.json."""
    return document_make(made, builder_id=BUILDER_ID, kettle=Tool(VERSION, own_sha256()))


def document_make(made: Made, *, builder_id: str, kettle: Tool) -> bytes:
    """Give the bytes of the provenance that some builder would write of a build; ours is `provenance_make`."""
    document = _document(made, NO_ROOT, builder_id, kettle)
    leaves = merkle_leaves(statement_parse(provenance_to_bytes(document)))
    return provenance_to_bytes(_document(made, merkle_root(leaves).hex(), builder_id, kettle))


def report_data(provenance: bytes, nonce: bytes) -> bytes:
    """Give the 48 bytes that the evidence signs: SHA-256 of the document's bytes, then the nonce (16 bytes)."""
    assert len(nonce) == 16
    return hashlib.sha256(provenance).digest() + nonce


def _document(made: Made, root_hex: str, builder_id: str, kettle: Tool) -> dict[str, Any]:
    tools = made.inputs.tools | {"kettle": kettle}
    return {
        "_type": STATEMENT_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": made.build_type,
                "externalParameters": {
                    "buildCommand": made.command,
                    "source": {
                        "digest": {"gitCommit": made.identity.commit, "gitTree": made.identity.tree},
                        "uri": made.identity.uri,
                    },
                },
                "internalParameters": {
                    **made.inputs.parameters,
                    "lockfileHash": {"sha256": made.inputs.lockfile_sha256},
                    "toolchain": {name: {"digest": {"sha256": one.sha256}, "version": one.version} for name, one in tools.items()},
                },
                "resolvedDependencies": [_dependency(one) for one in made.inputs.dependencies],
            },
            "runDetails": {
                "builder": {"id": builder_id},
                "byproducts": [{"digest": {"sha256": root_hex}, "name": "input_merkle_root"}],
                "metadata": {
                    "invocationId": f"build-{made.started_on.astimezone(UTC):%Y%m%d-%H%M%S}-{made.random_hex}",
                    "startedOn": _time(made.started_on),
                    "finishedOn": _time(made.finished_on),
                },
            },
        },
        "predicateType": PREDICATE_TYPE,
        "subject": [{"digest": {"sha256": one.sha256}, "name": one.name} for one in made.artifacts],
    }


def _dependency(one: Dependency) -> dict[str, Any]:
    annotations = {"annotations": dict(one.annotations)} if one.annotations else {}
    return annotations | {"digest": {one.algorithm: one.digest}, "name": one.name, "uri": one.uri}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@lru_cache(maxsize=1)
def own_sha256() -> str:
    """Give the digest of this builder's own code: SHA-256 over `sha256  path` lines of its Python files, sorted."""
    home = Path(kettle_web.__file__).parent
    lines = []
    for package in OWN_PACKAGES:
        for path in sorted((home / package).rglob("*.py")):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"{digest}  {path.relative_to(home).as_posix()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()
