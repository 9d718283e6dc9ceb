"""Cargo.lock and the manifests: which packages come from outside, and how the provenance names them."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kettle_web.builder.drivers.base import Dependency, file_read
from kettle_web.builder.drivers.deadline import reading
from kettle_web.builder.errors import SourceError
from kettle_web.provenance.dependencies import cargo_git_uri, cargo_registry_uri

REGISTRY = ("registry+", "sparse+")
HEX_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
HEX_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
MAX_PACKAGES = 20_000
MAX_MANIFESTS = 5_000
MAX_MANIFEST_BYTES = 4 << 20
NOT_SOURCE = {".git", "target", "node_modules"}


def toml_read(data: bytes, name: str) -> dict[str, Any]:
    """Parse TOML. Raises SourceError."""
    try:
        with reading(name):
            return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name} cannot be read: {error}.") from error


def lock_dependencies(data: bytes) -> tuple[Dependency, ...]:
    """Give the packages from outside, sorted by uri; those without a source belong to the project.

    Raises:
        SourceError: a package that nothing pins, or of a source that cannot be named.
    """
    packages = toml_read(data, "Cargo.lock").get("package", [])
    if not isinstance(packages, list) or len(packages) > MAX_PACKAGES:
        raise SourceError("Cargo.lock does not list packages as cargo does.")
    found = [dependency for package in packages if (dependency := _dependency(package)) is not None]
    return tuple(sorted(found, key=lambda dependency: dependency.uri))


def _dependency(package: object) -> Dependency | None:
    if not isinstance(package, dict):
        raise SourceError("Cargo.lock does not list packages as cargo does.")
    name, version, source, checksum = (package.get(key, "") for key in ("name", "version", "source", "checksum"))
    if not all(isinstance(value, str) for value in (name, version, source, checksum)) or not name or not version:
        raise SourceError("Cargo.lock has a package without name or version.")
    if not source:
        return None
    if source.startswith(REGISTRY):
        if not HEX_SHA256.match(checksum):
            raise SourceError(f"Cargo.lock has no checksum for {name} {version}.")
        return Dependency(name, cargo_registry_uri(name, version, checksum), "sha256", checksum)
    if source.startswith("git+"):
        url, _, commit = source.removeprefix("git+").rpartition("#")
        if not HEX_COMMIT.match(commit):
            raise SourceError(f"Cargo.lock names no commit for {name} {version}.")
        return Dependency(name, cargo_git_uri(name, version, url, commit), "gitCommit", commit)
    raise SourceError(f"Cargo.lock takes {name} {version} from a source of a kind that is not known: {source[:200]}.")


def git_urls(data: bytes) -> list[str]:
    """Give the addresses of the git repositories that a Cargo.lock names, without query and commit."""
    packages = toml_read(data, "Cargo.lock").get("package", [])
    sources = {str(package.get("source", "")) for package in packages if isinstance(package, dict)}
    return sorted({s.removeprefix("git+").partition("#")[0].partition("?")[0] for s in sources if s.startswith("git+")})


def outside_paths_refuse(project: Path) -> None:
    """Refuse a project with a path dependency outside of it: only the project itself was submitted.

    Raises:
        SourceError: naming the manifest and the path.
    """
    for manifest in _manifests(project):
        inside = manifest.parent.relative_to(project)
        document = toml_read(file_read(manifest, max_bytes=MAX_MANIFEST_BYTES), str(inside / "Cargo.toml"))
        for path in _dependency_paths(document):
            place = os.path.normpath(inside / path)
            if os.path.isabs(path) or place == ".." or place.startswith("../"):
                raise SourceError(f"{inside / 'Cargo.toml'} depends on {path!r}, which is outside of what was submitted.")


def _manifests(project: Path) -> Iterator[Path]:
    count = 0
    for folder, names, files in os.walk(project):
        names[:] = [name for name in names if name not in NOT_SOURCE]
        path = Path(folder, "Cargo.toml")
        if "Cargo.toml" in files and not path.is_symlink():
            count += 1
            if count > MAX_MANIFESTS:
                raise SourceError(f"The project has more than {MAX_MANIFESTS} manifests.")
            yield path


def _dependency_paths(value: object, key: str = "") -> Iterator[str]:
    """Give every `path` of a dependency, wherever the manifest keeps it (targets, workspace, patches)."""
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if key.endswith("dependencies") or key in ("replace", "patch-of"):
            if isinstance(inner, dict) and isinstance(inner.get("path"), str):
                yield inner["path"]
        elif key == "patch":
            yield from _dependency_paths(inner, "patch-of")
        else:
            yield from _dependency_paths(inner, name)
