"""A provenance document in short, as JSON values for pages and reports."""

from __future__ import annotations

import re
from typing import Any, Final

from kettle_web.provenance.digests import digest_parse
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.statement import Dependency, Statement


def summary(statement: Statement) -> dict[str, Any]:
    """What pages show. Digests are in normal form where they can be read, else as written; times are ISO 8601, UTC."""
    return {
        "source_uri": statement.source_uri,
        "git_commit": statement.git_commit,
        "git_tree": statement.git_tree,
        "build_type": statement.build_type,
        "build_command": statement.build_command,
        "toolchain": statement.toolchain,
        "tools": [{"name": name, "version": tool.version, "sha256": tool.digest_text} for name, tool in statement.tools.items()],
        "lockfile_sha256": statement.lockfile_sha256,
        "dependencies": [_dependency(item) for item in statement.dependencies],
        "builder_id": statement.builder_id,
        "merkle_root": statement.merkle_root,
        "invocation_id": statement.invocation_id,
        "started_on": statement.started_on.isoformat(),
        "finished_on": statement.finished_on.isoformat() if statement.finished_on else "",
        "subjects": [{"name": item.name, "sha256": item.sha256_hex} for item in statement.subjects],
    }


def _dependency(item: Dependency) -> dict[str, str]:
    uri, name, version, ecosystem, algorithm, text, _said = item
    digest = f"sha256:{text}" if algorithm == "sha256" and _is_normal(text) else _digest(item)
    return {"ecosystem": ecosystem, "name": name, "version": version, "uri": uri, "digest": digest}


_is_normal: Final = re.compile(r"[0-9a-f]{64}").fullmatch
"""A SHA-256 as most documents spell it, which need not be read to be written the same."""


def _digest(item: Dependency) -> str:
    try:
        algorithm = "" if item.digest_text.startswith("sha") else item.digest_algorithm
        return str(digest_parse(item.digest_text, algorithm))
    except ProvenanceError:
        return f"{item.digest_algorithm}:{item.digest_text}"
