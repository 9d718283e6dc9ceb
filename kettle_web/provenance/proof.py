"""Inclusion proofs: one input was among a build's inputs, shown without showing the others.

A proof is the entry, its index, the number of entries, and the digests beside the way from its leaf to the root. As JSON:
`{"format": "kettle-input-proof/1", "entry": TEXT, "index": N, "count": N, "siblings": [HEX, …], "root": HEX}`, siblings from the leaf up.

The tree has no prefixes that tell leaves from inner nodes. So a proof is checked against the one shape that its index and count allow,
and an entry must be printable text, which the 64 bytes below an inner node are not. Index and count are themselves not signed.
What a proof is worth: `LIMITS`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.statement import Statement
from kettle_web.provenance.strict_json import json_parse

FORMAT: Final = "kettle-input-proof/1"
LIMITS: Final = (
    "This shows that the entry is under this root. The root itself is bound to hardware only through the whole provenance.json, whose "
    "digest was signed: whoever has not verified that document takes the root on trust."
)
PROOF_LIMIT: Final = 256 * 1024
"""Bytes of a proof file; the longest address is a few thousand characters."""
MAX_COUNT: Final = 1 << 24
"""Entries; a document of 16 MiB cannot hold more."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = {"format", "entry", "index", "count", "siblings", "root"}


@dataclass(frozen=True)
class Proof:
    entry: str
    """The text whose SHA-256 is the leaf: a dependency's address, a commit, a version."""
    index: int
    count: int
    siblings: tuple[bytes, ...]
    """From the leaf up; levels on which the node moves up unchanged have none."""
    root: bytes


def proof_make(leaves: Sequence[str], index: int) -> Proof:
    """The proof for one of the entries. Raises `ProvenanceError` for an index that there is not."""
    if not 0 <= index < len(leaves):
        raise ProvenanceError("proof.index", f"there is no entry {index} among {len(leaves)}")
    level = [_sha256(leaf.encode("utf-8")) for leaf in leaves]
    siblings, at = [], index
    while len(level) > 1:
        if at ^ 1 < len(level):
            siblings.append(level[at ^ 1])
        paired = [_sha256(level[left] + level[left + 1]) for left in range(0, len(level) - 1, 2)]
        level = paired + level[-1:] if len(level) % 2 else paired
        at //= 2
    return Proof(leaves[index], index, len(leaves), tuple(siblings), level[0])


def proof_check(proof: Proof, *, root: bytes | None = None) -> None:
    """Raises `ProvenanceError` unless the entry, in its place among so many, gives the proof's root (and `root`, when given)."""
    if not 0 < proof.count <= MAX_COUNT or not 0 <= proof.index < proof.count:
        raise ProvenanceError("proof.index", f"there is no entry {proof.index} among {proof.count}")
    if not proof.entry or not proof.entry.isprintable():
        raise ProvenanceError("proof.entry", "the entry is empty or is no printable text: it may be an inner node")
    node, at, size, left = _sha256(proof.entry.encode("utf-8", "surrogatepass")), proof.index, proof.count, list(proof.siblings)
    while size > 1:
        if at ^ 1 < size:
            if not left:
                raise ProvenanceError("proof.shape", "there are fewer siblings than index and count need")
            sibling = left.pop(0)
            if len(sibling) != 32:
                raise ProvenanceError("proof.shape", "a sibling is no SHA-256")
            node = _sha256(sibling + node if at % 2 else node + sibling)
        at, size = at // 2, (size + 1) // 2
    if left:
        raise ProvenanceError("proof.shape", "there are more siblings than index and count allow")
    if node != proof.root:
        raise ProvenanceError("proof.root", f"the entry leads to the root {node.hex()}, not to {proof.root.hex()}")
    if root is not None and root != proof.root:
        raise ProvenanceError("proof.other-root", f"the proof is for the root {proof.root.hex()}, not for {root.hex()}")


def proof_for_input(statement: Statement, wanted: str) -> Proof:
    """The proof for a dependency (by address, by name, or by name@version) or for another input by its exact text.

    Raises `ProvenanceError`: no such input, several, or a document whose stated root is not the one of its inputs.
    """
    leaves = merkle_leaves(statement)
    root = merkle_root(leaves)
    if root.hex() != statement.merkle_root:
        raise ProvenanceError("proof.document", "the inputs do not give the root that the document states, so that nothing can be shown")
    exact = [index for index, leaf in enumerate(leaves) if leaf == wanted]
    named = [
        index
        for index, item in _dependency_leaves(statement, leaves)
        if wanted in (item.uri, item.name, f"{item.name}@{item.version}" if item.version else "")
    ]
    found = exact[:1] or named
    if not found:
        raise ProvenanceError("proof.absent", f"the document names no input {wanted[:120]!r}")
    if len(found) > 1:
        several = ", ".join(leaves[index][:120] for index in found[:5])
        raise ProvenanceError("proof.several", f"{wanted[:120]!r} names {len(found)} inputs, say which: {several}")
    return proof_make(leaves, found[0])


def proof_to_json(proof: Proof) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "entry": proof.entry,
        "index": proof.index,
        "count": proof.count,
        "siblings": [sibling.hex() for sibling in proof.siblings],
        "root": proof.root.hex(),
    }


def proof_parse(data: bytes) -> Proof:
    """A proof from its JSON; unknown and missing fields are refused. Raises `ProvenanceError`; checks nothing."""
    found = json_parse(data, max_bytes=PROOF_LIMIT, what="the proof")
    if not isinstance(found, dict) or found.keys() != _FIELDS or found["format"] != FORMAT:
        raise ProvenanceError("proof.form", f"it is not an object of {', '.join(sorted(_FIELDS))} in the format {FORMAT}")
    siblings, entry, root = found["siblings"], found["entry"], found["root"]
    if not isinstance(siblings, list) or not all(isinstance(text, str) and _DIGEST.fullmatch(text) for text in [*siblings, root]):
        raise ProvenanceError("proof.form", "a sibling or the root is not 64 lower-case hex digits")
    if not isinstance(entry, str) or type(found["index"]) is not int or type(found["count"]) is not int:
        raise ProvenanceError("proof.form", "the entry is not a text, or index or count is not a whole number")
    return Proof(entry, found["index"], found["count"], tuple(bytes.fromhex(text) for text in siblings), bytes.fromhex(root))


def _dependency_leaves(statement: Statement, leaves: Sequence[str]) -> list[tuple[int, Any]]:
    """Each dependency with the index of its leaf: they stand together, in document order, last (nix: before its two tool entries)."""
    after = 2 if statement.toolchain == "nix" else 0
    first = len(leaves) - after - len(statement.dependencies)
    return list(enumerate(statement.dependencies, first))


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
