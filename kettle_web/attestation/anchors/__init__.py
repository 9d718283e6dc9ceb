"""Trust anchors as data: AMD's pinned keys (`amd.json`), Intel's root (`intel.json`), the public test root (`simulated.json`).

An anchor's kind is part of its data, and the anchor whose key verifies a chip key's certificate decides whether evidence is of
hardware or simulated: no setting, endpoint or tag can.
AMD's anchors are pinned as keys, names and certificate fingerprints, as AMD publishes them; each was checked to chain to its ARK when
it was pinned. Intel has one root for all machines, pinned as a certificate. The test root comes with its certificates, so that its
chain is verified like any other.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

ARK: Final = "ark"
ASK: Final = "ask"
ASVK: Final = "asvk"
INTEL_ROOT: Final = "intel-root"
HARDWARE: Final = "hardware"
TEST: Final = "test"

_FOLDER: Final = Path(__file__).parent
_BUILTIN: Final = ("amd.json", "intel.json", "simulated.json")


@dataclass(frozen=True)
class Anchor:
    """A certificate authority's key that is trusted to be what its name says."""

    name: str
    """For people, such as ``AMD SEV-Milan``; unique in a set."""
    kind: str
    """`HARDWARE`: the vendor's. `TEST`: its private key is public, so that it proves nothing about hardware."""
    generation: str
    """Of AMD's processors; Intel's root is of none: empty."""
    role: str
    """`ARK` (root), `ASK` (signs VCEKs) or `ASVK` (signs VLEKs); `INTEL_ROOT`."""
    root: str
    """Name of the root above it; its own name for a root."""
    serial: int
    not_before: datetime
    not_after: datetime
    certificate_sha256: str
    subject: bytes
    """Name, DER."""
    spki: bytes
    """SubjectPublicKeyInfo, DER."""
    certificate: bytes | None = None
    """DER; None: only key, name and fingerprint are pinned."""


@dataclass(frozen=True)
class AnchorSet:
    anchors: tuple[Anchor, ...]

    def issuers_named(self, subject: bytes) -> tuple[Anchor, ...]:
        """Intermediates (ASK, ASVK) with exactly this name (DER)."""
        return tuple(anchor for anchor in self.anchors if anchor.subject == subject and anchor.role in (ASK, ASVK))

    def intel_root_of(self, certificate: bytes) -> Anchor | None:
        """The root of Intel's kind with exactly this certificate (DER), by its fingerprint; None: this set has none."""
        fingerprint = hashlib.sha256(certificate).hexdigest()
        for anchor in self.anchors:
            if anchor.role == INTEL_ROOT and anchor.certificate_sha256 == fingerprint:
                return anchor
        return None

    def root_of(self, anchor: Anchor) -> Anchor | None:
        """The ARK above an intermediate, of the same kind and generation; None: this set has none."""
        for root in self.anchors:
            if (root.name, root.role, root.kind, root.generation) == (anchor.root, ARK, anchor.kind, anchor.generation):
                return root
        return None


@cache
def anchors_builtin() -> AnchorSet:
    """AMD's nine keys, Intel's root and the public test root. Read once per process."""
    return AnchorSet(tuple(anchor for name in _BUILTIN for anchor in anchors_parse((_FOLDER / name).read_bytes())))


def anchors_documents() -> tuple[dict[str, Any], ...]:
    """The same as their JSON documents, for whoever writes them in another form."""
    return tuple(json.loads((_FOLDER / name).read_bytes()) for name in _BUILTIN)


def anchors_parse(data: bytes) -> tuple[Anchor, ...]:
    """The anchors of a JSON document in the form of `amd.json`. For the files of this package only: raises what comes."""
    return tuple(_anchor(item) for item in json.loads(data)["anchors"])


def _anchor(item: dict[str, Any]) -> Anchor:
    certificate = item.get("certificate_der_base64")
    return Anchor(
        name=item["name"],
        kind={HARDWARE: HARDWARE, TEST: TEST}[item["kind"]],
        generation=item["generation"],
        role={ARK: ARK, ASK: ASK, ASVK: ASVK, INTEL_ROOT: INTEL_ROOT}[item["role"]],
        root=item["root"],
        serial=int(item["serial"], 16),
        not_before=datetime.fromisoformat(item["not_before"]),
        not_after=datetime.fromisoformat(item["not_after"]),
        certificate_sha256=item["certificate_sha256"],
        subject=base64.b64decode(item["subject_der_base64"], validate=True),
        spki=base64.b64decode(item["spki_der_base64"], validate=True),
        certificate=base64.b64decode(certificate, validate=True) if certificate else None,
    )
