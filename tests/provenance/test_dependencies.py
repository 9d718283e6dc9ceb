from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.provenance.dependencies import (
    DependencyUri,
    cargo_git_uri,
    cargo_path_uri,
    cargo_registry_uri,
    dependency_contradiction,
    dependency_uri_parse,
    nix_fetch_uri,
    npm_uri,
)
from kettle_web.provenance.digests import digest_parse, digest_same, is_git_object
from kettle_web.provenance.errors import ProvenanceError

HEX = "ab" * 32
SRI = "sha512-" + "A" * 86 + "=="
COMMIT = "12" * 20


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (cargo_registry_uri("a-b", "1.0.0+x", HEX), DependencyUri("cargo", "a-b", "1.0.0+x", "sha256", HEX)),
        (
            cargo_git_uri("a", "1.0.0", "ssh://git@example.org/a?b#c", COMMIT),
            DependencyUri("cargo", "a", "1.0.0", "gitCommit", COMMIT, "ssh://git@example.org/a%3Fb%23c"),
        ),
        (
            cargo_path_uri("a", "1.0.0", "../a b", COMMIT),
            DependencyUri("cargo", "a", "1.0.0", "gitCommit", COMMIT, "file:../a%20b"),
        ),
        (npm_uri("@types/node", "20.1.0", SRI), DependencyUri("npm", "@types/node", "20.1.0", "sha512", SRI)),
        (nix_fetch_uri("src", "sha256", "A" * 43 + "="), DependencyUri("nix", "src", "", "sha256", "A" * 43 + "=")),
        ("pkg:golang/x@1", DependencyUri("")),
        ("", DependencyUri("")),
    ],
)
def test_what_is_written_is_read(uri: str, expected: DependencyUri) -> None:
    assert dependency_uri_parse(uri) == expected


def test_a_commit_tarball_is_read() -> None:
    uri = f"https://codeload.github.com/o/r/tar.gz/{COMMIT}"
    assert dependency_uri_parse(uri).digest_text == COMMIT
    assert dependency_contradiction(uri, "r", "sha512", COMMIT) == ""
    assert dependency_contradiction(uri, "r", "sha512", "34" * 20)


@pytest.mark.parametrize(
    ("uri", "name", "algorithm", "text"),
    [
        (cargo_registry_uri("a", "1", HEX), "a", "sha256", HEX),
        (cargo_git_uri("a", "1", "https://example.org/a", COMMIT), "a", "gitCommit", COMMIT),
        (npm_uri("@s/a", "1", SRI), "@s/a", "sha512", SRI),
        (nix_fetch_uri("a", "sha512", "A" * 86 + "=="), "a", "sha256", "A" * 86 + "=="),
        (nix_fetch_uri("a", "sha256", "A" * 43 + "="), "a", "sha256", "00" * 32),
        ("pkg:golang/x@1", "anything", "sha256", HEX),
    ],
)
def test_agreeing_entries_do_not_contradict(uri: str, name: str, algorithm: str, text: str) -> None:
    assert dependency_contradiction(uri, name, algorithm, text) == ""


@pytest.mark.parametrize(
    ("uri", "name", "algorithm", "text"),
    [
        (cargo_registry_uri("a", "1", HEX), "b", "sha256", HEX),
        (cargo_registry_uri("a", "1", HEX), "a", "sha256", "cd" * 32),
        (cargo_registry_uri("a", "1", HEX), "a", "gitCommit", HEX),
        (cargo_git_uri("a", "1", "https://example.org/a", COMMIT), "a", "gitCommit", "34" * 20),
        (npm_uri("a", "1", SRI), "a", "sha512", "sha512-" + "B" * 86 + "=="),
        ("pkg:cargo/a@1", "a", "sha256", HEX),
        (f"pkg:cargo/?checksum=sha256:{HEX}", "a", "sha256", HEX),
        (f"pkg:nix-fetch/?hash=sha256:{HEX}", "a", "sha256", HEX),
    ],
)
def test_a_contradiction_is_described(uri: str, name: str, algorithm: str, text: str) -> None:
    assert dependency_contradiction(uri, name, algorithm, text)


@given(st.text(), st.text(), st.text())
def test_addresses_are_read_leniently(uri: str, name: str, text: str) -> None:
    dependency_uri_parse("pkg:cargo/" + uri)
    dependency_contradiction("pkg:npm/" + uri, name, "sha512", text)
    dependency_contradiction(uri, name, "sha256", text)


@pytest.mark.parametrize(
    "text",
    [
        "00" * 32,
        "sha256:" + "00" * 32,
        "A" * 43 + "=",
        "A" * 43,
        "sha256-" + "A" * 43 + "=",
        "sha256:sha256-" + "A" * 43 + "=",
    ],
)
def test_every_spelling_gives_one_digest(text: str) -> None:
    assert digest_parse(text, "sha256").hex == "00" * 32
    assert str(digest_parse(text, "sha256")) == "sha256:" + "00" * 32


def test_without_a_name_the_length_of_hex_decides() -> None:
    assert digest_parse("AB" * 64).algorithm == "sha512"


@pytest.mark.parametrize(
    ("text", "algorithm", "code"),
    [
        ("sha512-" + "A" * 86 + "==", "sha256", "digest.algorithm"),
        ("zz" * 32, "sha256", "digest.malformed"),
        ("A" * 42 + "B", "sha256", "digest.malformed"),  # Bits behind the digest's end are not zero.
        ("00" * 20, "sha256", "digest.malformed"),
        ("", "sha256", "digest.malformed"),
        ("short", "", "digest.algorithm"),
        ("é" * 10, "sha256", "digest.malformed"),
        ("00" * 16, "md5", "digest.algorithm"),
    ],
)
def test_what_is_no_digest_is_refused(text: str, algorithm: str, code: str) -> None:
    with pytest.raises(ProvenanceError) as caught:
        digest_parse(text, algorithm)
    assert caught.value.code == code


@given(st.text(), st.sampled_from(["", "sha1", "sha256", "sha512", "md5"]))
def test_random_text_raises_only_the_parse_error(text: str, algorithm: str) -> None:
    with contextlib.suppress(ProvenanceError):
        digest_parse(text, algorithm)


def test_two_spellings_are_the_same() -> None:
    assert digest_same("00" * 32, "A" * 43 + "=", "sha256")
    assert not digest_same("00" * 32, "11" * 32, "sha256")
    assert not digest_same("x", "y")


def test_git_object_names() -> None:
    assert is_git_object("ab" * 20)
    assert is_git_object("ab" * 32)
    assert not is_git_object("AB" * 20)
    assert not is_git_object("ab" * 19)
    assert not is_git_object("ab" * 20 + "\n")
