"""The inputs of a build one by one, as the Merkle root covers them: what each entry is, and its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.merkle import merkle_leaves
from kettle_web.provenance.statement import Dependency, Statement

_BEFORE: Final = {
    "cargo": ("commit", "tree", "tool:rustc", "version:rustc", "tool:cargo", "version:cargo", "lockfile"),
    "nix": ("commit", "tree", "lockfile"),
    "pnpm": ("commit", "tree", "tool:node", "version:node", "tool:pnpm", "version:pnpm", "lockfile"),
}
_AFTER: Final = {"nix": ("tool:nix", "version:nix")}
"""In the order of `merkle.merkle_leaves`; a test holds the two together."""


@dataclass(frozen=True)
class Input:
    index: int
    """Its place among the entries, from 0; -1: the order is not known for this toolchain, so there is none."""
    kind: str
    """`commit`, `tree`, `lockfile`, `tool` (digest of a program), `version` (of a program), `dependency`."""
    name: str
    """Of the program or dependency; empty for the others."""
    version: str
    """Of a dependency; empty: not stated."""
    ecosystem: str
    entry: str
    """The text whose SHA-256 is the leaf."""
    digest: str
    """`algorithm:text` of a dependency, as written; empty for the others."""


def inputs(statement: Statement) -> tuple[Input, ...]:
    """Every entry in the order of the root; for an unknown toolchain the dependencies alone, without places."""
    try:
        leaves = merkle_leaves(statement)
    except ProvenanceError:
        return tuple(_dependency(-1, item, item.uri) for item in statement.dependencies)
    before, after = _BEFORE[statement.toolchain], _AFTER.get(statement.toolchain, ())
    end = len(leaves) - len(after)
    return (
        *(_other(at, what, leaves[at]) for at, what in enumerate(before)),
        *(_dependency(at, item, leaves[at]) for at, item in enumerate(statement.dependencies, len(before))),
        *(_other(at, what, leaves[at]) for at, what in enumerate(after, end)),
    )


def _other(index: int, what: str, entry: str) -> Input:
    kind, _, name = what.partition(":")
    return Input(index, kind, name, "", "", entry, "")


def _dependency(index: int, item: Dependency, entry: str) -> Input:
    return Input(index, "dependency", item.name, item.version, item.ecosystem, entry, f"{item.digest_algorithm}:{item.digest_text}")
