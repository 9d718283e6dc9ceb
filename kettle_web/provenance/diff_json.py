"""A comparison as JSON values; `diff.schema.json`, beside this module, documents each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from kettle_web.provenance.diff import Diff
from kettle_web.provenance.diff_lists import Entry, File, Lists

SCHEMA_VERSION: Final = 1


def diff_to_json(found: Diff) -> dict[str, Any]:
    """Every difference; of what is unchanged, fields with their value and the number of the rest."""
    return {
        "lines": [line.value for line in found.lines],
        "fields": [
            {"group": field.group.value, "name": field.name, "left": field.left, "right": field.right, "is_same": field.is_same}
            for field in found.fields
        ],
        "dependencies": _lists(found.dependencies),
        "files": _lists(found.files),
        "same_version_different_digest": [
            {"left": asdict(left), "right": asdict(right)} for left, right in found.same_version_different_digest
        ],
    }


def _lists(lists: Lists[Entry] | Lists[File]) -> dict[str, Any]:
    return {
        "left_count": lists.left_count,
        "right_count": lists.right_count,
        "unchanged_count": len(lists.unchanged),
        "added": [asdict(entry) for entry in lists.added],
        "removed": [asdict(entry) for entry in lists.removed],
        "changed": [{"change": pair.change.value, "left": asdict(pair.left), "right": asdict(pair.right)} for pair in lists.changed],
    }
