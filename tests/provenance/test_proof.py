from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.proof import Proof, proof_check, proof_for_input, proof_make, proof_parse, proof_to_json
from kettle_web.provenance.statement import Statement, statement_parse
from tests.provenance.samples import BUNDLES, cargo_document, changed, sample_bytes, to_bytes

printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
trees = st.lists(printable, min_size=1, max_size=40).flatmap(lambda leaves: st.tuples(st.just(leaves), st.integers(0, len(leaves) - 1)))


def code_of(proof: Proof, root: bytes | None = None) -> str:
    try:
        proof_check(proof, root=root)
    except ProvenanceError as error:
        return error.code
    return ""


@given(trees)
def test_every_entry_of_every_tree_can_be_shown(tree: tuple[list[str], int]) -> None:
    leaves, index = tree
    proof = proof_make(leaves, index)
    assert proof.root == merkle_root(leaves)
    assert code_of(proof, merkle_root(leaves)) == ""
    assert proof_parse(json.dumps(proof_to_json(proof)).encode()) == proof


@given(trees, st.data())
def test_nothing_in_a_proof_can_be_changed(tree: tuple[list[str], int], data: st.DataObject) -> None:
    proof = proof_make(*tree)
    other = bytes(32)
    changes = [replace(proof, entry=proof.entry + "x"), replace(proof, root=other), replace(proof, siblings=(*proof.siblings, other))]
    if proof.siblings:
        at = data.draw(st.integers(0, len(proof.siblings) - 1))
        changes.append(replace(proof, siblings=proof.siblings[:at] + proof.siblings[at + 1 :]))
        changes.append(replace(proof, siblings=(*proof.siblings[:at], other, *proof.siblings[at + 1 :])))
        changes.append(replace(proof, siblings=(*proof.siblings[:at], b"", *proof.siblings[at + 1 :])))
    for change in changes:
        assert code_of(change)


def turns(index: int, count: int) -> list[bool]:
    """On which side the node stands, from the leaf up, on the levels where it has a partner."""
    found = []
    while count > 1:
        if index ^ 1 < count:
            found.append(bool(index % 2))
        index, count = index // 2, (count + 1) // 2
    return found


@given(st.integers(1, 40), st.integers(0, 39), st.integers(-2, 60), st.integers(-2, 60))
def test_index_and_count_count_exactly_as_far_as_they_change_the_way(size: int, at: int, index: int, count: int) -> None:
    """They are not signed: another place with the very same way to the root cannot be told apart, any other is refused."""
    proof = proof_make([f"entry {number}" for number in range(size)], at % size)
    moved = replace(proof, index=index, count=count)
    possible = 0 <= index < count and turns(index, count) == turns(proof.index, proof.count)
    assert (code_of(moved) == "") == possible


def test_an_inner_node_is_no_entry() -> None:
    leaves = ["a", "b", "c", "d"]
    left, right = merkle_root(["a"]), merkle_root(["b"])
    inner = (left + right).decode("latin-1")
    proof = proof_make(leaves, 0)
    for text in (inner, "", "a\n", "\u202e"):
        assert code_of(Proof(text, 0, 2, proof.siblings[1:], proof.root)) == "proof.entry"


def test_another_root_is_refused() -> None:
    assert code_of(proof_make(["a", "b"], 0), bytes(32)) == "proof.other-root"


@pytest.mark.parametrize(("index", "count"), [(0, 0), (-1, 2), (2, 2), (0, 1 << 25)])
def test_an_impossible_place_is_refused(index: int, count: int) -> None:
    assert code_of(replace(proof_make(["a", "b"], 0), index=index, count=count)) == "proof.index"


@pytest.mark.parametrize("index", [-1, 2])
def test_there_is_no_proof_for_an_entry_that_is_not_there(index: int) -> None:
    with pytest.raises(ProvenanceError) as caught:
        proof_make(["a", "b"], index)
    assert caught.value.code == "proof.index"


def _statement() -> Statement:
    statement = statement_parse(to_bytes(cargo_document()))
    root = merkle_root(merkle_leaves(statement)).hex()
    return statement_parse(to_bytes(changed(statement.document, "predicate/runDetails/byproducts/0/digest/sha256", root)))


@pytest.mark.parametrize("wanted", ["aho-corasick", "aho-corasick@1.1.3", "pkg:cargo/aho-corasick@1.1.3?checksum=sha256:" + "ab" * 32])
def test_a_dependency_is_found_by_address_name_and_version(wanted: str) -> None:
    proof = proof_for_input(_statement(), wanted)
    assert (proof.entry, proof.index, proof.count) == (_statement().dependencies[0].uri, 7, 8)
    assert code_of(proof, bytes.fromhex(_statement().merkle_root)) == ""


def test_other_inputs_are_found_by_their_text() -> None:
    assert proof_for_input(_statement(), "11" * 20).index == 0


@pytest.mark.parametrize(
    ("document", "wanted", "code"),
    [
        (_statement().document, "serde", "proof.absent"),
        (_statement().document, "", "proof.absent"),
        (changed(_statement().document, "predicate/runDetails/byproducts/0/digest/sha256", "00" * 32), "aho-corasick", "proof.document"),
    ],
)
def test_what_cannot_be_shown_has_a_reason(document: dict[str, object], wanted: str, code: str) -> None:
    with pytest.raises(ProvenanceError) as caught:
        proof_for_input(statement_parse(to_bytes(document)), wanted)
    assert caught.value.code == code


@pytest.mark.parametrize("bundle", BUNDLES)
def test_every_dependency_of_a_real_document_can_be_shown(bundle: str) -> None:
    statement = statement_parse(sample_bytes("bundles", bundle, "provenance.json"))
    for item in statement.dependencies:
        assert code_of(proof_for_input(statement, item.uri), bytes.fromhex(statement.merkle_root)) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"format": "kettle-input-proof/2"}, {"more": 1}, {"entry": 1}, {"index": True}, {"count": "2"}, {"index": 0.0}, {"siblings": "x"},
        {"siblings": [1]}, {"siblings": ["AB" * 32]}, {"root": "ab"}, {"root": None},
    ],
)  # fmt: skip
def test_an_unclear_proof_is_refused(change: dict[str, object]) -> None:
    value = proof_to_json(proof_make(["a", "b"], 0)) | change
    with pytest.raises(ProvenanceError) as caught:
        proof_parse(json.dumps(value).encode())
    assert caught.value.code == "proof.form"


@given(st.binary(max_size=60))
def test_noise_is_no_proof(data: bytes) -> None:
    with pytest.raises(ProvenanceError):
        proof_parse(data)
