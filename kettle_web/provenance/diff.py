"""What differs between two builds: source, tools, every dependency and file, and what the hardware said. Nothing is cut.

Works on `summary.summary` and on the evidence's claims, both JSON values, so that stored reports can be compared without their
documents. It compares what two documents *say*; how far either is to be believed is its report's verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from kettle_web.provenance.diff_lists import Change, Entry, File, Lists, dependencies_diff, entries, files, files_diff

MAX_DEPTH: Final = 8
"""Levels of nested claims; ours have three."""


class Group(StrEnum):
    """Where a field is shown."""

    SOURCE = "source"
    TOOLCHAIN = "toolchain"
    BUILD = "build"
    IMAGE = "image"
    """What software ran in the machine: launch measurement and registers."""
    TCB = "tcb"
    """Firmware and its levels."""
    MACHINE = "machine"
    """The chip, and how the machine was set up."""
    POLICY = "policy"
    OCCASION = "occasion"
    """What is another one in every build: nonce, times, report ids. A difference there means nothing."""


class Line(StrEnum):
    """What the comparison comes to; several may hold."""

    NO_PROVENANCE = "no-provenance"
    """A side has none: nothing can be said of inputs and files."""
    NO_FILES = "no-files"
    """Neither side names a file: equal inputs say nothing about outputs."""
    IDENTICAL = "identical"
    """Same inputs, same files."""
    SAME_INPUTS_DIFFERENT_OUTPUT = "same-inputs-different-output"
    DIFFERENT_INPUTS_SAME_OUTPUT = "different-inputs-same-output"
    DIFFERENT = "different"
    """Inputs differ, and so do the files."""
    SAME_VERSION_DIFFERENT_DIGEST = "same-version-different-digest"
    """A dependency has other bytes under the same version: `Diff.same_version_different_digest`."""


@dataclass(frozen=True)
class Side:
    """One build. Empty values mean «not known»."""

    provenance: Mapping[str, Any] | None
    """`summary.summary` of its statement; None: it has none."""
    claims: Mapping[str, Any] = field(default_factory=dict)
    """What authenticated evidence says; empty: there is none."""
    ref: str = ""
    """That was asked for; the provenance does not state it."""
    platform: str = ""
    policy_version: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """SHA-256 in hex to bytes, of files that are stored."""


@dataclass(frozen=True)
class Field:
    group: Group
    name: str
    """Stable, like `git_commit` or `tcb.reported.snp`."""
    left: str
    right: str
    """As text; empty: not stated on that side."""

    @property
    def is_same(self) -> bool:
        return self.left == self.right


@dataclass(frozen=True)
class Diff:
    lines: tuple[Line, ...]
    fields: tuple[Field, ...]
    dependencies: Lists[Entry]
    files: Lists[File]

    @property
    def same_version_different_digest(self) -> tuple[tuple[Entry, Entry], ...]:
        changed = self.dependencies.changed
        return tuple((pair.left, pair.right) for pair in changed if pair.change is Change.DIGEST and pair.left.version)


def diff(left: Side, right: Side) -> Diff:
    """Compare two builds. Swapping them swaps added and removed, and nothing else."""
    a, b = left.provenance or {}, right.provenance or {}
    fields = (*_statement_fields(left, right), *_claim_fields(left, right))
    found = Diff((), fields, dependencies_diff(entries(a), entries(b)), files_diff(files(a, left.sizes), files(b, right.sizes)))
    lines = _lines(found) if left.provenance is not None and right.provenance is not None else (Line.NO_PROVENANCE,)
    return Diff(lines, fields, found.dependencies, found.files)


INPUTS: Final = frozenset({"git_commit", "git_tree", "lockfile_sha256", "build_command", "toolchain"})
"""Fields that decide, with tools and dependencies, what is built. The address is none of them: commit and tree name the content."""
_STATEMENT: Final = (
    (Group.SOURCE, ("source_uri", "git_commit", "git_tree", "lockfile_sha256")),
    (Group.TOOLCHAIN, ("toolchain",)),
    (Group.BUILD, ("build_type", "build_command", "builder_id", "merkle_root")),
    (Group.OCCASION, ("invocation_id", "started_on", "finished_on")),
)
_TOOL: Final = "tool."


def _statement_fields(left: Side, right: Side) -> Iterator[Field]:
    a, b = left.provenance or {}, right.provenance or {}
    for group, names in _STATEMENT:
        for name in names:
            yield Field(group, name, str(a.get(name) or ""), str(b.get(name) or ""))
            if name == "source_uri":
                yield Field(group, "ref", left.ref, right.ref)
        if group is Group.TOOLCHAIN:
            mine, theirs = _tools(a), _tools(b)
            for name in sorted(mine.keys() | theirs.keys()):
                yield Field(group, name, mine.get(name, ""), theirs.get(name, ""))


def _tools(provenance: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for tool in provenance.get("tools", []):
        found[f"{_TOOL}{tool['name']}.version"] = str(tool["version"])
        found[f"{_TOOL}{tool['name']}.sha256"] = str(tool["sha256"])
    return found


def _claim_fields(left: Side, right: Side) -> Iterator[Field]:
    yield Field(Group.IMAGE, "platform", left.platform, right.platform)
    yield Field(Group.POLICY, "policy_version", left.policy_version, right.policy_version)
    mine, theirs = dict(_flat(left.claims)), dict(_flat(right.claims))
    # In the order in which the claims state them, the left's first.
    for name in dict.fromkeys((*mine, *theirs)):
        yield Field(_group(name), name, mine.get(name, ""), theirs.get(name, ""))


_GROUPS: Final = {
    "measurement": Group.IMAGE, "pcrs": Group.IMAGE, "rtmrs": Group.IMAGE, "mr_td": Group.IMAGE, "mr_config_id": Group.IMAGE,
    "mr_owner": Group.IMAGE, "mr_owner_config": Group.IMAGE, "mr_servicetd": Group.IMAGE, "host_data": Group.IMAGE,
    "id_key_digest": Group.IMAGE, "author_key_digest": Group.IMAGE, "family_id": Group.IMAGE, "image_id": Group.IMAGE,
    "guest_svn": Group.IMAGE,
    "tcb": Group.TCB, "firmware": Group.TCB, "mitigations": Group.TCB, "tee_tcb_svn": Group.TCB, "tee_tcb_svn2": Group.TCB,
    "tdx_module": Group.TCB, "mr_seam": Group.TCB, "mrsigner_seam": Group.TCB, "seam_attributes": Group.TCB, "qe": Group.TCB,
    "tcb_status": Group.TCB, "report_version": Group.TCB, "quote_version": Group.TCB,
    "report_data": Group.OCCASION, "report_id": Group.OCCASION, "report_id_ma": Group.OCCASION, "tpm": Group.OCCASION,
}  # fmt: skip
"""By the first part of a claim's name; everything else speaks of the machine."""


def _group(name: str) -> Group:
    return _GROUPS.get(name.partition(".")[0], Group.MACHINE)


def _flat(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, (list, tuple)) and depth < MAX_DEPTH:
        for at, inner in enumerate(value):
            yield from _flat(inner, f"{name}.{at}", depth + 1)
    elif value is not None:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def is_input(field: Field) -> bool:
    """Whether a field decides what is built."""
    return field.name in INPUTS or field.name.startswith(_TOOL)


def _lines(found: Diff) -> tuple[Line, ...]:
    is_same_in = found.dependencies.is_same and all(field.is_same for field in found.fields if is_input(field))
    is_same_out = found.files.is_same
    if not found.files.left_count and not found.files.right_count:
        first = Line.NO_FILES
    elif is_same_in:
        first = Line.IDENTICAL if is_same_out else Line.SAME_INPUTS_DIFFERENT_OUTPUT
    else:
        first = Line.DIFFERENT_INPUTS_SAME_OUTPUT if is_same_out else Line.DIFFERENT
    return (first, Line.SAME_VERSION_DIFFERENT_DIGEST) if found.same_version_different_digest else (first,)
