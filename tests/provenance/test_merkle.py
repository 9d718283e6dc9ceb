from __future__ import annotations

import hashlib

import pytest

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.statement import statement_parse
from tests.provenance.samples import BUNDLES, cargo_document, changed, sample_bytes, to_bytes


def _h(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_a_node_without_a_partner_moves_up_unchanged() -> None:
    a, b, c = _h(b"a"), _h(b"b"), _h(b"c")
    assert merkle_root(["a"]) == a
    assert merkle_root(["a", "b"]) == _h(a + b)
    assert merkle_root(["a", "b", "c"]) == _h(_h(a + b) + c)


def test_a_root_over_nothing_is_refused() -> None:
    with pytest.raises(ProvenanceError) as caught:
        merkle_root([])
    assert caught.value.code == "merkle.empty"


@pytest.mark.parametrize("bundle", BUNDLES)
def test_the_root_of_a_real_document_is_recomputed(bundle: str) -> None:
    statement = statement_parse(sample_bytes("bundles", bundle, "provenance.json"))
    assert merkle_root(merkle_leaves(statement)).hex() == statement.merkle_root


_TOOLCHAIN = "predicate/buildDefinition/internalParameters/toolchain"
_DEPENDENCIES = "predicate/buildDefinition/resolvedDependencies"
_HEAD = ("11" * 20, "22" * 20)


def _tool(digit: str, version: str) -> dict[str, object]:
    return {"digest": {"sha256": digit * 64}, "version": version}


def test_the_order_of_cargo() -> None:
    leaves = merkle_leaves(statement_parse(to_bytes(cargo_document())))
    uri = f"pkg:cargo/aho-corasick@1.1.3?checksum=sha256:{'ab' * 32}"
    assert leaves == (*_HEAD, "55" * 32, "rustc 1.93.1", "44" * 32, "cargo 1.93.1", "33" * 32, uri)


def test_the_order_of_nix() -> None:
    document = changed(cargo_document(), _TOOLCHAIN, {"nix": _tool("8", "nix 2.30"), "kettle": _tool("6", "1")})
    text = "A" * 43 + "="
    fetch = {"digest": {"sha256": text}, "name": "src", "uri": f"pkg:nix-fetch/src?hash=sha256:{text}"}
    leaves = merkle_leaves(statement_parse(to_bytes(changed(document, _DEPENDENCIES, [fetch]))))
    assert leaves == (*_HEAD, "33" * 32, f"fetch:src:sha256:{text}", "8" * 64, "nix 2.30")


def test_the_order_of_pnpm() -> None:
    tools = {"pnpm": _tool("7", "10"), "node": _tool("9", "v22"), "kettle": _tool("6", "1")}
    document = changed(cargo_document(), _TOOLCHAIN, tools)
    leaves = merkle_leaves(statement_parse(to_bytes(changed(document, _DEPENDENCIES, []))))
    assert leaves == (*_HEAD, "9" * 64, "v22", "7" * 64, "10", "33" * 32)


def test_an_unknown_toolchain_has_no_order() -> None:
    document = changed(cargo_document(), _TOOLCHAIN, {"go": _tool("1", "1.26")})
    with pytest.raises(ProvenanceError) as caught:
        merkle_leaves(statement_parse(to_bytes(document)))
    assert caught.value.code == "merkle.toolchain"


def test_a_nix_document_with_a_foreign_dependency_has_no_leaves() -> None:
    document = changed(cargo_document(), _TOOLCHAIN, {"nix": _tool("8", "nix 2.30")})
    with pytest.raises(ProvenanceError) as caught:
        merkle_leaves(statement_parse(to_bytes(document)))
    assert caught.value.code == "merkle.dependency"
