"""Addresses of dependencies: how Kettle writes them, and what they say when read leniently.

They look like package URLs but are not always valid ones (`@scope` is not encoded, base64 is raw): the text is kept
as it is, and what a form does not say stays empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kettle_web.provenance.digests import digest_same

ECOSYSTEM_UNKNOWN: Final = ""
_ENCODED_IN_VCS_URL: Final = {"?": "%3F", "#": "%23", "&": "%26", " ": "%20"}


@dataclass(frozen=True)
class DependencyUri:
    """What an address says. Empty fields mean that this form does not say it."""

    ecosystem: str
    """``cargo``, ``nix``, ``npm``, or empty: a form that is not known here."""
    name: str = ""
    version: str = ""
    digest_algorithm: str = ""
    """``sha256``, ``sha512``, ``gitCommit``, for nix as nix names it, or empty where the text names its own (npm)."""
    digest_text: str = ""
    vcs_url: str = ""


def cargo_registry_uri(name: str, version: str, checksum_hex: str) -> str:
    """Address of a crate from a registry; the checksum is the lockfile's, SHA-256 in hex."""
    return f"pkg:cargo/{name}@{version}?checksum=sha256:{checksum_hex}"


def cargo_git_uri(name: str, version: str, url: str, commit: str) -> str:
    """Address of a crate from a git repository; `url` without ``git+`` and without the commit."""
    encoded = "".join(_ENCODED_IN_VCS_URL.get(letter, letter) for letter in url)
    return f"pkg:cargo/{name}@{version}?vcs_url=git+{encoded}@{commit}"


def cargo_path_uri(name: str, version: str, relative_path: str, commit: str) -> str:
    """Address of a crate in a clean repository outside the project, by its path from there."""
    return cargo_git_uri(name, version, f"file:{relative_path}", commit)


def npm_uri(name: str, version: str, integrity: str) -> str:
    """Address of a package from a registry; `integrity` is the lockfile's SRI text."""
    return f"pkg:npm/{name}@{version}?checksum={integrity}"


def nix_fetch_uri(name: str, algorithm: str, hash_text: str) -> str:
    """Address of a fixed-output derivation; the hash as nix writes it, without ``ALGORITHM-``."""
    return f"pkg:nix-fetch/{name}?hash={algorithm}:{hash_text}"


_CACHED_CHARACTERS: Final = 300
"""Of an address that is remembered; real ones have some 120, and longer ones could fill the memory."""


def dependency_uri_parse(uri: str) -> DependencyUri:
    """What an address says; one of an unknown form gives an empty ecosystem and nothing else. Never raises.

    Remembered: a document's addresses are looked at several times, and other builds use the same packages.
    """
    return _remembered(uri) if len(uri) <= _CACHED_CHARACTERS else _parse(uri)


def _parse(uri: str) -> DependencyUri:
    body, _, query = uri.partition("?")
    if body.startswith("pkg:cargo/"):
        return _cargo(body.removeprefix("pkg:cargo/"), query)
    if body.startswith("pkg:npm/"):
        name, version = _name_version(body.removeprefix("pkg:npm/"))
        checksum = query.removeprefix("checksum=") if query.startswith("checksum=") else ""
        algorithm = checksum.partition("-")[0] if "-" in checksum else ""
        return DependencyUri("npm", name, version, algorithm, checksum)
    if body.startswith("pkg:nix-fetch/"):
        algorithm, _, text = query.removeprefix("hash=").partition(":") if query.startswith("hash=") else ("", "", "")
        return DependencyUri("nix", body.removeprefix("pkg:nix-fetch/"), "", algorithm, text)
    if body.startswith("https://codeload.github.com/"):
        return DependencyUri("npm", digest_text=uri.rsplit("/", 1)[-1], vcs_url=uri)
    return DependencyUri(ECOSYSTEM_UNKNOWN)


_remembered = lru_cache(maxsize=8192)(_parse)


def _cargo(body: str, query: str) -> DependencyUri:
    name, version = _name_version(body)
    if query.startswith("checksum="):
        algorithm, _, text = query.removeprefix("checksum=").partition(":")
        return DependencyUri("cargo", name, version, algorithm, text)
    if query.startswith("vcs_url=git+"):
        url, _, commit = query.removeprefix("vcs_url=git+").rpartition("@")
        return DependencyUri("cargo", name, version, "gitCommit", commit, url)
    return DependencyUri("cargo", name, version)


def _name_version(body: str) -> tuple[str, str]:
    """Cut at the last ``@`` that is not the first letter (of an npm scope)."""
    cut = body.rfind("@")
    return (body, "") if cut <= 0 else (body[:cut], body[cut + 1 :])


def dependency_contradiction(uri: str, name: str, digest_algorithm: str, digest_text: str) -> str:
    """How a dependency's address contradicts the name or digest beside it; empty: it does not.

    An unknown form cannot contradict; a known one must hold the digest, because the Merkle root covers only addresses.
    nix and pnpm write any hash under the key ``sha256`` or ``sha512``, so there the texts are compared and not the
    algorithms' names.
    """
    said = dependency_uri_parse(uri)
    # Of the known forms only the address of a commit's tarball has no place for a name.
    if said.name != name and (said.name or (said.ecosystem and uri.startswith("pkg:"))):
        return f"the address names {said.name[:120]!r}, the entry {name[:120]!r}"
    if said.ecosystem == "cargo" and said.digest_text and said.digest_algorithm != digest_algorithm:
        return f"the address has a {said.digest_algorithm[:20]}, the entry a {digest_algorithm}"
    if said.digest_text:
        algorithm = said.digest_algorithm if said.digest_algorithm in ("sha1", "sha256", "sha384", "sha512") else ""
        if not digest_same(said.digest_text, digest_text, algorithm):
            return f"the address says {said.digest_text[:140]!r}, the entry {digest_text[:140]!r}"
    elif said.ecosystem:
        return "the address holds no digest"
    return ""
