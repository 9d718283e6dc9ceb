"""Fields out of parsed JSON, with errors that name the path."""

from __future__ import annotations

from typing import Any

from kettle_web.provenance.errors import ProvenanceError


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for depth, key in enumerate(path):
        if not isinstance(value, dict):
            raise ProvenanceError("statement.shape", f"{'.'.join(path[:depth]) or 'an entry'} is not an object")
        if key not in value:
            raise ProvenanceError("statement.missing", f"{'.'.join(path[: depth + 1])} is missing")
        value = value[key]
    return value


def object_at(value: Any, *path: str) -> dict[str, Any]:
    """The object at a path of keys. Raises `ProvenanceError`."""
    found = _at(value, path)
    if not isinstance(found, dict):
        raise ProvenanceError("statement.shape", f"{'.'.join(path)} is not an object")
    return found


def list_at(value: Any, *path: str) -> list[Any]:
    """The list at a path of keys. Raises `ProvenanceError`."""
    found = _at(value, path)
    if not isinstance(found, list):
        raise ProvenanceError("statement.shape", f"{'.'.join(path)} is not a list")
    return found


def text_at(value: Any, *path: str) -> str:
    """The string at a path of keys. Raises `ProvenanceError`."""
    found = _at(value, path)
    if not isinstance(found, str):
        raise ProvenanceError("statement.shape", f"{'.'.join(path)} is not a string")
    return found


def digest_pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """Algorithm and text of all that an entry's `digest` holds, in the document's order. Raises `ProvenanceError`."""
    digest = object_at(value, "digest")
    return tuple((algorithm, text_at(digest, algorithm)) for algorithm in digest)
