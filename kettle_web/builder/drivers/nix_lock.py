"""flake.lock and the derivation graph: what a flake is made of, and how the provenance names it.

Source: the Nix manual, «nix flake» (lock files) and «nix derivation show» (its JSON in the forms of 2.8 to 2.33).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kettle_web.builder.drivers.base import Dependency
from kettle_web.builder.errors import SourceError
from kettle_web.provenance.dependencies import nix_fetch_uri

MAX_DERIVATIONS = 200_000
MAX_INPUTS = 5_000
LOCK_VERSIONS = (5, 6, 7)
FETCHERS = ("github", "gitlab", "sourcehut", "tarball", "file", "git", "hg")
LOCAL = ("path",)
SRI = re.compile(r"(md5|sha1|sha256|sha512|blake3)-(.+)", re.DOTALL)
DERIVATION = re.compile(r"(?:.*/)?([0-9a-z]{32})-([^/]+)\.drv")


def flake_inputs(data: bytes) -> list[dict[str, str]]:
    """Give the name and hash of each locked input of a flake.lock, sorted by name.

    Raises:
        SourceError: the file is not what nix writes, or an input is not pinned by a hash.
    """
    found = []
    for name, locked in _locked(data):
        digest = locked.get("narHash")
        if not isinstance(digest, str) or not SRI.fullmatch(digest):
            raise SourceError(f"flake.lock has no hash for the input {name}.")
        found.append({"name": name, "narHash": digest})
    return sorted(found, key=lambda one: one["name"])


def flake_fetches(data: bytes) -> bool:
    """Say whether a flake.lock names an input that comes over the network. Raises SourceError for one that no network has."""
    kinds = {str(locked.get("type", "")): name for name, locked in _locked(data)}
    for kind, name in kinds.items():
        if kind not in (*FETCHERS, *LOCAL):
            raise SourceError(f"flake.lock takes {name} from a source of a kind that is not known: {kind[:60]}.")
    return any(kind in FETCHERS for kind in kinds)


def _locked(data: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        lock: Any = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"flake.lock cannot be read: {error}.") from error
    nodes = lock.get("nodes") if isinstance(lock, dict) else None
    if not isinstance(nodes, dict) or len(nodes) > MAX_INPUTS or lock.get("version") not in LOCK_VERSIONS:
        raise SourceError("flake.lock does not list inputs as nix does.")
    for name, node in nodes.items():
        if name == lock.get("root", "root"):
            continue
        locked = node.get("locked") if isinstance(node, dict) else None
        if not isinstance(locked, dict):
            raise SourceError(f"flake.lock does not pin the input {name}.")
        yield name, locked


def graph_read(data: bytes) -> dict[str, Any]:
    """Give the derivations, by their paths, of what `nix derivation show --recursive` says. Raises SourceError."""
    try:
        graph: Any = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SourceError("nix described the derivations in a form that cannot be read.") from error
    if isinstance(graph, dict) and isinstance(graph.get("derivations"), dict):
        graph = graph["derivations"]
    if not isinstance(graph, dict) or not graph or not all(isinstance(one, dict) for one in graph.values()):
        raise SourceError("nix described no derivations.")
    if len(graph) > MAX_DERIVATIONS:
        raise SourceError(f"The flake needs more than {MAX_DERIVATIONS} derivations.")
    return graph


def graph_dependencies(graph: Mapping[str, Any]) -> tuple[Dependency, ...]:
    """Give the fixed-output derivations, sorted by name: everything that nix fetches is one.

    Raises:
        SourceError: one in a form that is not known.
    """
    found = [_dependency(path, output, one) for path, one in graph.items() if (output := _fixed(one)) is not None]
    return tuple(sorted(found, key=lambda dependency: (dependency.name, dependency.uri)))


def graph_fetchers(graph: Mapping[str, Any]) -> list[str]:
    """Give the paths of the fetches that nix makes itself (`builtin:fetchurl`): no script of the project runs in them."""
    return sorted(path for path, one in graph.items() if _fixed(one) is not None and one.get("builder") == "builtin:fetchurl")


def _fixed(derivation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    outputs = derivation.get("outputs")
    for output in outputs.values() if isinstance(outputs, dict) else ():
        if isinstance(output, dict) and isinstance(output.get("hash"), str):
            return output
    return None


def _dependency(path: str, output: Mapping[str, Any], derivation: Mapping[str, Any]) -> Dependency:
    environment = _environment(derivation)
    matched = DERIVATION.fullmatch(path)
    name = derivation.get("name") or environment.get("name") or (matched.group(2) if matched else "")
    text, algorithm = str(output["hash"]), str(output.get("hashAlgo", ""))
    if spelled := SRI.fullmatch(text):
        algorithm, text = spelled.group(1), spelled.group(2)
    algorithm = algorithm.rpartition(":")[2]  # 2.8 writes «r:sha256» for the hash of a folder.
    if not isinstance(name, str) or not name or not algorithm or not text:
        raise SourceError(f"nix describes the fetch {path[:200]!r} in a form that is not known.")
    annotations = {"drvPath": path}
    for key in ("outputHashMode", "url", "urls"):
        value = environment.get(key)
        if isinstance(value, list):
            value = " ".join(str(one) for one in value)
        if isinstance(value, str) and value:
            annotations[key] = value
    return Dependency(name, nix_fetch_uri(name, algorithm, text), "sha256", text, annotations)


def _environment(derivation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a derivation's variables; with structured attributes they stand elsewhere."""
    found: dict[str, Any] = {}
    environment, structured = derivation.get("env"), derivation.get("structuredAttrs")
    if isinstance(environment, dict):
        found |= environment
        if structured is None and isinstance(environment.get("__json"), str):
            try:
                structured = json.loads(environment["__json"])
            except (ValueError, RecursionError):
                structured = None
    return found | structured if isinstance(structured, dict) else found
