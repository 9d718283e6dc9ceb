"""Results as a Kettle server makes them, consistent throughout and signed by the published test root; each test overrides one
thing.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from kettle_web.builder.attesters.simulated import simulated_evidence
from kettle_web.builds.models import Attempt, Build, Endpoint
from kettle_web.builds.states import State
from kettle_web.core.blobs import blob_write_bytes
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.provenance.statement import statement_parse
from tests.provenance.samples import cargo_document

HELLO = b"hello, kettle\n"
NONCE = bytes(range(1, 17))
REPOSITORY = "https://example.org/hello.git"
COMMIT, TREE = "11" * 20, "22" * 20


@dataclass(frozen=True)
class Result:
    provenance: bytes
    evidence: bytes
    tarball: bytes


def dependency(name: str, version: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{name}@{version}".encode()).hexdigest()
    return {
        "digest": {"sha256": digest},
        "name": name,
        "uri": f"pkg:cargo/{name}@{version}?checksum=sha256:{digest}",
    }


def provenance_make(
    *,
    subjects: Mapping[str, bytes] | None = None,
    dependencies: list[tuple[str, str]] | None = None,
    uri: str = REPOSITORY,
    commit: str = COMMIT,
) -> bytes:
    """A document that agrees with itself."""
    document = cargo_document()
    definition = document["predicate"]["buildDefinition"]
    definition["externalParameters"]["source"]["uri"] = uri
    definition["externalParameters"]["source"]["digest"]["gitCommit"] = commit
    pairs = dependencies if dependencies is not None else [("serde", "1.0.228"), ("xz2", "0.1.7")]
    definition["resolvedDependencies"] = [dependency(name, version) for name, version in pairs]
    now = timezone.now().isoformat()
    document["predicate"]["runDetails"]["metadata"] |= {"startedOn": now, "finishedOn": now}
    document["subject"] = [
        {"digest": {"sha256": hashlib.sha256(data).hexdigest()}, "name": name}
        for name, data in (subjects if subjects is not None else {"hello": HELLO}).items()
    ]
    root = merkle_root(merkle_leaves(statement_parse(provenance_to_bytes(document)))).hex()
    document["predicate"]["runDetails"]["byproducts"][0]["digest"]["sha256"] = root
    return provenance_to_bytes(document)


def tarball_make(files: Mapping[str, bytes], *, top: str = "hello") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{top}/{name}" if top else name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def result_make(*, nonce: bytes = NONCE, artifacts: Mapping[str, bytes] | None = None, attested: bool = True, **document: Any) -> Result:
    """`artifacts`: the files in the tarball, by default those that the document names."""
    provenance = provenance_make(**document)
    evidence = simulated_evidence(hashlib.sha256(provenance).digest() + nonce) if attested else b""
    named = document.get("subjects")
    files = {"provenance.json": provenance}
    if attested:
        files["evidence.json"] = evidence
    present = artifacts if artifacts is not None else (named if named is not None else {"hello": HELLO})
    files |= {f"artifacts/{name}": data for name, data in present.items()}
    return Result(provenance, evidence, tarball_make(files))


def endpoint_make(**fields: Any) -> Endpoint:
    return Endpoint.objects.get_or_create(name="kettle", defaults={"base_url": "http://127.0.0.1:1", **fields})[0]


def build_make(owner: User, *, tarball: bytes | None = None, nonce: bytes = NONCE, attests: bool = True, **fields: Any) -> Build:
    """A build whose result has just arrived; without a tarball, one that is still queued."""
    endpoint = endpoint_make(attests=attests)
    values: dict[str, Any] = {
        "origin": Build.Origin.REPOSITORY,
        "repo_url": REPOSITORY,
        "state": State.QUEUED,
        "endpoint": endpoint,
    }
    if tarball is not None:
        blob = blob_write_bytes(tarball)
        values |= {"state": State.VERIFYING, "result_sha256": blob.sha256_hex, "result_size": blob.size}
    build = Build.objects.create(owner=owner, **{**values, **fields})
    Attempt.objects.create(build=build, number=1, nonce=nonce, nonce_made_by="server", outcome=Attempt.Outcome.ACCEPTED)
    return build
