from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.provenance.statement import statement_parse
from kettle_web.provenance.summary import summary
from tests.provenance.samples import BUNDLES, cargo_document, changed, sample_bytes, to_bytes


def test_every_field_of_a_document_is_read() -> None:
    statement = statement_parse(to_bytes(cargo_document()))
    assert statement.git_commit == "11" * 20
    assert statement.toolchain == "cargo"
    assert statement.tools["rustc"].version == "rustc 1.93.1"
    assert statement.lockfile_sha256 == "33" * 32
    assert statement.started_on == datetime(2026, 5, 20, 21, 52, 39, 233053, tzinfo=UTC)
    assert (statement.dependencies[0].name, statement.dependencies[0].version) == ("aho-corasick", "1.1.3")
    assert (statement.subjects[0].name, statement.subjects[0].sha256_hex) == ("hello", "77" * 32)


def test_unknown_fields_and_the_raw_bytes_are_kept() -> None:
    document = changed(cargo_document(), "predicate/new", {"x": [1]})
    data = to_bytes(document)
    statement = statement_parse(data)
    assert statement.raw == data
    assert statement.document["predicate"]["new"] == {"x": [1]}
    assert provenance_to_bytes(statement.document) == data


def test_a_build_that_has_no_end_yet_is_read() -> None:
    document = changed(cargo_document(), "predicate/runDetails/metadata/finishedOn", None)
    assert statement_parse(to_bytes(document)).finished_on is None


@pytest.mark.parametrize(
    ("tools", "toolchain"),
    [
        (("cargo", "rustc"), "cargo"),
        (("nix",), "nix"),
        (("pnpm", "node"), "pnpm"),
        (("go",), ""),
        (("nix", "pnpm", "node"), ""),
    ],
)
def test_the_toolchain_follows_from_the_tools(tools: tuple[str, ...], toolchain: str) -> None:
    tool = {"digest": {"sha256": "44" * 32}, "version": "1"}
    document = changed(
        cargo_document(),
        "predicate/buildDefinition/internalParameters/toolchain",
        dict.fromkeys((*tools, "kettle"), tool),
    )
    assert statement_parse(to_bytes(document)).toolchain == toolchain


_BUILD = "predicate/buildDefinition"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("_type", ..., "statement.missing"),
        ("predicate", [], "statement.shape"),
        ("subject", {}, "statement.shape"),
        ("subject/0", "hello", "statement.shape"),
        ("subject/0/name", 1, "statement.shape"),
        (f"{_BUILD}/externalParameters/source/digest/gitTree", ..., "statement.missing"),
        (f"{_BUILD}/internalParameters/toolchain/rustc", "1.93", "statement.shape"),
        (f"{_BUILD}/resolvedDependencies/0/digest", {}, "statement.digest"),
        (f"{_BUILD}/resolvedDependencies/0/digest", {"sha256": "a", "sha512": "b"}, "statement.digest"),
        (
            "predicate/runDetails/byproducts",
            [{"name": "input_merkle_root", "digest": {"sha256": "a"}}] * 2,
            "statement.merkle-root",
        ),
        ("predicate/runDetails/metadata/startedOn", "yesterday", "time.malformed"),
        ("predicate/runDetails/metadata/startedOn", "2026-02-30T00:00:00Z", "time.malformed"),
        ("predicate/runDetails/metadata/startedOn", "2026-02-03T00:00:00", "time.malformed"),
        ("predicate/runDetails/metadata/finishedOn", 5, "statement.shape"),
    ],
)
def test_a_wrong_shape_is_named(path: str, value: Any, code: str) -> None:
    with pytest.raises(ProvenanceError) as caught:
        statement_parse(to_bytes(changed(cargo_document(), path, value)))
    assert caught.value.code == code


def test_a_list_is_no_statement() -> None:
    with pytest.raises(ProvenanceError) as caught:
        statement_parse(b"[]")
    assert caught.value.code == "statement.shape"


@given(st.binary(max_size=300), st.integers(0, 2000))
def test_a_document_with_foreign_bytes_in_it_raises_only_the_parse_error(noise: bytes, at: int) -> None:
    data = to_bytes(cargo_document())
    with contextlib.suppress(ProvenanceError):
        statement_parse(data[:at] + noise + data[at + len(noise) :])


@pytest.mark.parametrize("cut", range(0, 2000, 97))
def test_every_prefix_is_refused(cut: int) -> None:
    with pytest.raises(ProvenanceError):
        statement_parse(to_bytes(cargo_document())[:cut])


@pytest.mark.parametrize("bundle", BUNDLES)
def test_the_serialiser_gives_the_exact_bytes_of_a_real_document(bundle: str) -> None:
    data = sample_bytes("bundles", bundle, "provenance.json")
    assert provenance_to_bytes(statement_parse(data).document) == data


def test_the_serialiser_keeps_letters_and_writes_empty_lists_short() -> None:
    assert provenance_to_bytes({"b": [], "a": "ä\u2028\x7f\x01\n", "c": {}}) == (
        '{\n  "b": [],\n  "a": "ä\u2028\x7f\\u0001\\n",\n  "c": {}\n}'.encode()
    )


def test_the_summary_normalises_digests_and_keeps_what_it_cannot_read() -> None:
    document = cargo_document()
    sri = "sha512-" + "A" * 86 + "=="
    document["predicate"]["buildDefinition"]["resolvedDependencies"] = [
        {"digest": {"sha512": sri}, "name": "a", "uri": f"pkg:npm/a@1?checksum={sri}"},
        {"digest": {"sha512": "0123"}, "name": "b", "uri": "https://codeload.github.com/o/b/tar.gz/0123"},
    ]
    dependencies = summary(statement_parse(to_bytes(document)))["dependencies"]
    assert dependencies[0]["digest"] == "sha512:" + "00" * 64
    assert dependencies[1]["digest"] == "sha512:0123"
