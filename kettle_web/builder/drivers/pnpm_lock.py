"""pnpm-lock.yaml of every generation: which packages come from outside, and how the provenance names them.

| lockfileVersion | written by | a package's key |
|---|---|---|
| 5.x | pnpm 3 to 7 | `/NAME/VERSION`, `/@SCOPE/NAME/VERSION`, peers after `_`; `HOST/…` for another registry or a git host |
| 6.x, 7.x | pnpm 8 | `/NAME@VERSION(PEER@VERSION)`; without the slash for another registry or a git host |
| 9.x | pnpm 9 and later | `NAME@VERSION`, `NAME@URL`; peers only under `snapshots` |

pnpm 11 may put a document about its own parts before the project's: packages of all documents count.

Source: pnpm's lockfile specification (pnpm/spec, lockfile/5.0 to 9.0).
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kettle_web.builder.drivers.base import Dependency
from kettle_web.builder.drivers.yaml_texts import yaml_documents
from kettle_web.builder.errors import SourceError
from kettle_web.provenance.dependencies import npm_uri

MAX_PACKAGES = 50_000
MAX_DOCUMENTS = 4
GENERATIONS = ("5", "6", "7", "9")
GITHUB = "https://codeload.github.com/"
SRI = re.compile(r"(?:sha1|sha256|sha384|sha512)-[A-Za-z0-9+/]+={0,2}(?:\s+(?:sha1|sha256|sha384|sha512)-[A-Za-z0-9+/]+={0,2})*")
COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
NAME = re.compile(r"(?:@[^\s/@]+/)?[^\s/@]+")


@dataclass(frozen=True)
class PnpmLock:
    """What a lockfile pins."""

    dependencies: tuple[Dependency, ...]
    """One for each entry of `packages` from outside, sorted by uri."""
    git_hosted: bool
    """Some are tarballs of a commit on GitHub: pnpm would run their `prepare` scripts while it fetches."""


def pnpm_lock_read(data: bytes) -> PnpmLock:
    """Read a lockfile.

    Raises:
        SourceError: it is not what pnpm writes, a package is not pinned, or comes from a source that cannot be named.
    """
    found = [
        dependency
        for generation, packages in _packages(data)
        for key, entry in packages.items()
        if (dependency := _dependency(generation, key, entry)) is not None
    ]
    ordered = tuple(sorted(found, key=lambda dependency: dependency.uri))
    return PnpmLock(ordered, any(one.uri.startswith(GITHUB) for one in ordered))


def _packages(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    documents = yaml_documents(data, "pnpm-lock.yaml")
    if not 1 <= len(documents) <= MAX_DOCUMENTS:
        raise SourceError("pnpm-lock.yaml does not list packages as pnpm does.")
    total = 0
    for document in documents:
        if not isinstance(document, dict):
            raise SourceError("pnpm-lock.yaml does not list packages as pnpm does.")
        generation = str(document.get("lockfileVersion", "")).partition(".")[0]
        if generation not in GENERATIONS:
            raise SourceError(f"pnpm-lock.yaml is of a generation that is not known: {document.get('lockfileVersion')!s:.40}.")
        packages = document.get("packages") or {}
        total += len(packages)
        if not isinstance(packages, dict) or total > MAX_PACKAGES:
            raise SourceError("pnpm-lock.yaml does not list packages as pnpm does.")
        yield generation, packages


def _dependency(generation: str, key: str, entry: object) -> Dependency | None:
    resolution = entry.get("resolution") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(key, str) or not isinstance(resolution, dict):
        raise SourceError(f"pnpm-lock.yaml has a package without a resolution: {key!s:.200}.")
    name, version = _name_version(generation, key, entry)
    integrity, tarball, kind = (resolution.get(word, "") for word in ("integrity", "tarball", "type"))
    if kind == "directory" or "directory" in resolution:
        _inside_only(key, resolution.get("directory", ""))
        return None
    if kind:
        raise SourceError(f"pnpm-lock.yaml takes {key:.200} from a source of a kind that is not known: {kind!s:.60}.")
    if isinstance(tarball, str) and tarball.startswith(GITHUB):
        commit = tarball.rpartition("/")[2]
        if not COMMIT.fullmatch(commit):
            raise SourceError(f"pnpm-lock.yaml names no commit for {key:.200}.")
        return Dependency(name, tarball, "sha512", commit)
    if not isinstance(integrity, str) or not SRI.fullmatch(integrity):
        raise SourceError(f"pnpm-lock.yaml has no digest for {key:.200}.")
    return Dependency(name, npm_uri(name, version, integrity), "sha512", integrity)


def _name_version(generation: str, key: str, entry: dict[str, Any]) -> tuple[str, str]:
    """Give name and version: as the key has them, and where it has an address, as the entry has."""
    body = key.partition("(")[0]
    if generation == "5":
        name, version = _slashed(body)
    else:
        name, _, version = _cut(body.removeprefix("/"))
    name = name if NAME.fullmatch(name) else str(entry.get("name", ""))
    if not version or ":" in version or "/" in version:
        version = str(entry.get("version", "")) or version
    if not NAME.fullmatch(name) or not version or not version.isprintable():
        raise SourceError(f"pnpm-lock.yaml has a package without name or version: {key:.200}.")
    return name, version


def _cut(body: str) -> tuple[str, str, str]:
    """Cut at the `@` between name and version, which is not the one of a scope."""
    at = body.find("@", 1)
    return (body, "", "") if at < 0 else (body[:at], "@", body[at + 1 :])


def _slashed(body: str) -> tuple[str, str]:
    """Give name and version of a key of generation 5; a first part without the slash is a registry's host."""
    parts = body.split("/")[1:]
    names = 2 if parts and parts[0].startswith("@") else 1
    if len(parts) != names + 1:
        return "", ""
    return "/".join(parts[:names]), parts[names].partition("_")[0]


def _inside_only(key: str, folder: object) -> None:
    place = os.path.normpath(folder) if isinstance(folder, str) and folder else ".."
    if os.path.isabs(place) or place == ".." or place.startswith("../"):
        raise SourceError(f"pnpm-lock.yaml takes {key:.200} from a folder outside of what was submitted.")
