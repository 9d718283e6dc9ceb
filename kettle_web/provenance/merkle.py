"""The root over a build's inputs, as the provenance's `input_merkle_root` states it.

Leaves are SHA-256 of each entry's UTF-8 text; an inner node is SHA-256(left || right) without a prefix; a node without
a partner moves up unchanged. The order of the entries is frozen per toolchain (see `merkle_leaves`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from kettle_web.provenance.dependencies import dependency_uri_parse
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.statement import Dependency, Statement, Tool


def merkle_root(leaves: Sequence[str]) -> bytes:
    """The root over entries, 32 bytes. Raises `ProvenanceError` for no entries."""
    if not leaves:
        raise ProvenanceError("merkle.empty", "a root over nothing has no meaning")
    sha256 = hashlib.sha256
    level = [sha256(leaf.encode()).digest() for leaf in leaves]
    while len(level) > 1:
        # Of an odd number the last one has no partner, and `zip` leaves it out.
        paired = [sha256(left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


def merkle_leaves(statement: Statement) -> tuple[str, ...]:
    """The entries that the root of a document covers, in the order of its toolchain. Raises `ProvenanceError`."""
    order = _ORDERS.get(statement.toolchain)
    if order is None:
        raise ProvenanceError("merkle.toolchain", "the order of inputs is not known for this toolchain")
    return order(statement)


def _tool(statement: Statement, name: str) -> Tool:
    tool = statement.tools.get(name)
    if tool is None:
        raise ProvenanceError("merkle.tool", f"the document names no {name}")
    return tool


def _cargo(statement: Statement) -> tuple[str, ...]:
    rustc, cargo = _tool(statement, "rustc"), _tool(statement, "cargo")
    return (
        statement.git_commit,
        statement.git_tree,
        rustc.digest_text,
        rustc.version,
        cargo.digest_text,
        cargo.version,
        statement.lockfile_digest_text,
        *(dependency.uri for dependency in statement.dependencies),
    )


def _nix(statement: Statement) -> tuple[str, ...]:
    nix = _tool(statement, "nix")
    return (
        statement.git_commit,
        statement.git_tree,
        statement.lockfile_digest_text,
        *(_nix_fetch(dependency) for dependency in statement.dependencies),
        nix.digest_text,
        nix.version,
    )


def _nix_fetch(dependency: Dependency) -> str:
    said = dependency_uri_parse(dependency.uri)
    if said.ecosystem != "nix" or not said.digest_algorithm:
        raise ProvenanceError("merkle.dependency", f"{dependency.uri[:120]!r} is not the address of a nix fetch")
    return f"fetch:{dependency.name}:{said.digest_algorithm}:{said.digest_text}"


def _pnpm(statement: Statement) -> tuple[str, ...]:
    node, pnpm = _tool(statement, "node"), _tool(statement, "pnpm")
    return (
        statement.git_commit,
        statement.git_tree,
        node.digest_text,
        node.version,
        pnpm.digest_text,
        pnpm.version,
        statement.lockfile_digest_text,
        *(dependency.uri for dependency in statement.dependencies),
    )


_ORDERS: dict[str, Callable[[Statement], tuple[str, ...]]] = {"cargo": _cargo, "nix": _nix, "pnpm": _pnpm}
