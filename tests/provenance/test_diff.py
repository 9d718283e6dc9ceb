from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.provenance.diff import Diff, Group, Line, Side, diff
from kettle_web.provenance.diff_json import diff_to_json
from kettle_web.provenance.diff_lists import Change, Entry, File, dependencies_diff, files_diff, version_order
from kettle_web.provenance.statement import statement_parse
from kettle_web.provenance.summary import summary
from tests.provenance.samples import cargo_document, changed, sample_bytes, to_bytes

CLAIMS = {
    "measurement": "aa" * 48,
    "pcrs": ["00" * 32, "11" * 32],
    "tcb": {"reported": {"snp": 23, "microcode": 72}},
    "policy": {"debug_allowed": False},
    "report_id": "01" * 32,
}


def _side(path: str = "", value: object = None, **fields: object) -> Side:
    document = changed(cargo_document(), path, value) if path else cargo_document()
    return Side(summary(statement_parse(to_bytes(document))), claims=CLAIMS, **fields)


def _entry(name: str = "serde", version: str = "1.0", digest: str = "sha256:aa", ecosystem: str = "cargo", uri: str = "") -> Entry:
    return Entry(ecosystem, name, version, uri or f"pkg:{ecosystem}/{name}@{version}?{digest}", digest)


def _field(found: Diff, name: str) -> tuple[str, str]:
    return next((field.left, field.right) for field in found.fields if field.name == name)


ENTRIES = st.lists(
    st.builds(
        _entry,
        st.sampled_from(["serde", "syn", "source"]),
        st.sampled_from(["", "1.0", "1.9", "1.10"]),
        st.sampled_from(["sha256:aa", "sha256:bb"]),
        st.sampled_from(["cargo", "nix"]),
        st.sampled_from(["", "https://elsewhere"]),
    ),
    max_size=12,
)
FILES = st.lists(
    st.builds(File, st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "11" * 32, "22" * 32]), st.sampled_from([None, 1, 2])),
    max_size=8,
)


@given(ENTRIES, ENTRIES)
def test_every_dependency_of_both_sides_is_in_exactly_one_place(left, right):
    found = dependencies_diff(left, right)
    assert Counter(left) == Counter([*found.removed, *found.unchanged, *(pair.left for pair in found.changed)])
    assert Counter(right) == Counter([*found.added, *found.unchanged, *(pair.right for pair in found.changed)])
    assert (found.left_count, found.right_count) == (len(left), len(right))


@given(ENTRIES, ENTRIES)
def test_swapped_dependencies_are_the_mirror_image(left, right):
    there, back = dependencies_diff(left, right), dependencies_diff(right, left)
    assert (there.added, there.removed, there.unchanged) == (back.removed, back.added, back.unchanged)
    assert Counter((pair.left, pair.right, pair.change) for pair in there.changed) == Counter(
        (pair.right, pair.left, pair.change) for pair in back.changed
    )


@given(ENTRIES, ENTRIES)
def test_what_changed_belongs_together_and_differs_in_what_it_says(left, right):
    for pair in dependencies_diff(left, right).changed:
        assert (pair.left.ecosystem, pair.left.name) == (pair.right.ecosystem, pair.right.name)
        assert pair.left != pair.right
        assert (pair.left.version == pair.right.version) is (pair.change is not Change.VERSION)
        assert (pair.left.digest == pair.right.digest) is (pair.change is Change.ADDRESS) or pair.change is Change.VERSION


@given(ENTRIES)
def test_order_of_dependencies_does_not_matter(entries):
    assert dependencies_diff(entries, reversed(entries)).is_same


@given(FILES, FILES)
def test_every_file_of_both_sides_is_in_exactly_one_place(left, right):
    found = files_diff(left, right)
    assert len(left) == len(found.removed) + len(found.unchanged) + len(found.changed)
    assert len(right) == len(found.added) + len(found.unchanged) + len(found.changed)
    assert all(pair.left.name == pair.right.name for pair in found.changed)
    assert all(file.sha256 for file in found.unchanged)


@given(FILES, FILES)
def test_swapped_files_are_the_mirror_image(left, right):
    there, back = files_diff(left, right), files_diff(right, left)
    assert (there.added, there.removed, len(there.unchanged), len(there.changed)) == (
        back.removed,
        back.added,
        len(back.unchanged),
        len(back.changed),
    )


def test_versions_of_one_package_are_paired_from_the_newest_down():
    left = [_entry(version="1.0"), _entry(version="1.9"), _entry(version="2.0")]
    right = [_entry(version="1.0"), _entry(version="1.10")]
    found = dependencies_diff(left, right)
    assert [(pair.left.version, pair.right.version) for pair in found.changed] == [("2.0", "1.10")]
    assert [entry.version for entry in found.removed] == ["1.9"]
    assert [entry.version for entry in found.unchanged] == ["1.0"]


def test_many_fetches_of_one_name_are_not_paired_at_random():
    left = [_entry("source", "", "sha256:aa", "nix"), _entry("source", "", "sha256:bb", "nix")]
    found = dependencies_diff(left, [_entry("source", "", "sha256:cc", "nix")])
    assert (len(found.removed), len(found.added), found.changed) == (2, 1, ())


def test_one_package_tens_of_thousands_of_times_is_compared_in_time_that_grows_with_it():
    """Quadratic work would take hours here, and the runner would stop it."""
    left = [_entry(digest=f"sha256:{at:064x}") for at in range(30_000)]
    right = [_entry(digest=f"sha256:{at:064x}") for at in range(15_000, 45_000)]
    found = dependencies_diff(left, right)
    assert (len(found.unchanged), len(found.changed), found.added, found.removed) == (15_000, 15_000, (), ())
    files = [[File("a", entry.digest[7:], 1) for entry in entries] for entries in (left, right)]
    assert len(files_diff(*files).changed) == 15_000


def test_versions_sort_as_people_count():
    texts = ["1.0-rc.1", "1.0", "1.0.1", "1.9", "1.10", "10.0"]
    assert sorted({*texts}, key=version_order) == texts


def test_same_build_twice_is_identical():
    found = diff(_side(), _side())
    assert found.lines == (Line.IDENTICAL,)
    assert all(field.is_same for field in found.fields)
    assert (len(found.dependencies.unchanged), len(found.files.unchanged)) == (1, 1)


def test_other_file_from_the_same_inputs_is_said():
    found = diff(_side(), _side("subject/0/digest/sha256", "88" * 32))
    assert found.lines == (Line.SAME_INPUTS_DIFFERENT_OUTPUT,)
    assert [(pair.left.sha256, pair.right.sha256, pair.change) for pair in found.files.changed] == [("77" * 32, "88" * 32, Change.DIGEST)]


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        ("predicate/buildDefinition/externalParameters/source/digest/gitCommit", "99" * 20, "git_commit"),
        ("predicate/buildDefinition/externalParameters/source/digest/gitTree", "99" * 20, "git_tree"),
        ("predicate/buildDefinition/internalParameters/lockfileHash/sha256", "99" * 32, "lockfile_sha256"),
        ("predicate/buildDefinition/internalParameters/toolchain/rustc/version", "rustc 1.94.0", "tool.rustc.version"),
        ("predicate/buildDefinition/internalParameters/toolchain/rustc/digest/sha256", "99" * 32, "tool.rustc.sha256"),
        ("predicate/buildDefinition/externalParameters/buildCommand", "cargo build", "build_command"),
    ],
)
def test_each_input_tells_builds_apart(path, value, name):
    found = diff(_side(), _side(path, value))
    assert found.lines == (Line.DIFFERENT_INPUTS_SAME_OUTPUT,)
    assert [field.name for field in found.fields if not field.is_same] == [name]
    assert _field(found, name)[1] == value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("predicate/buildDefinition/externalParameters/source/uri", "https://example.org/moved.git"),
        ("predicate/runDetails/metadata/startedOn", "2027-05-20T21:52:39+00:00"),
    ],
)
def test_address_and_time_are_no_inputs(path, value):
    found = diff(_side(), _side(path, value))
    assert found.lines == (Line.IDENTICAL,)
    assert not all(field.is_same for field in found.fields)


def test_same_version_with_another_digest_is_an_alarm():
    other = "pkg:cargo/aho-corasick@1.1.3?checksum=sha256:" + "cd" * 32
    document = changed(cargo_document(), "predicate/buildDefinition/resolvedDependencies/0/uri", other)
    document = changed(document, "predicate/buildDefinition/resolvedDependencies/0/digest/sha256", "cd" * 32)
    found = diff(_side(), Side(summary(statement_parse(to_bytes(document)))))
    assert found.lines == (Line.DIFFERENT_INPUTS_SAME_OUTPUT, Line.SAME_VERSION_DIFFERENT_DIGEST)
    assert [(left.digest, right.digest) for left, right in found.same_version_different_digest] == [
        ("sha256:" + "ab" * 32, "sha256:" + "cd" * 32)
    ]


def test_no_provenance_says_nothing_about_inputs():
    assert diff(Side(None), _side()).lines == (Line.NO_PROVENANCE,)
    assert diff(Side(None), Side(None)).lines == (Line.NO_PROVENANCE,)


def test_no_files_are_never_identical():
    assert diff(_side("subject", []), _side("subject", [])).lines == (Line.NO_FILES,)


def test_unreadable_digests_are_never_equal_files():
    side = _side("subject/0/digest/sha256", "no digest")
    assert diff(side, side).lines == (Line.SAME_INPUTS_DIFFERENT_OUTPUT,)


@pytest.mark.parametrize(
    ("claims", "name", "group", "values"),
    [
        ({"measurement": "bb" * 48}, "measurement", Group.IMAGE, ("aa" * 48, "bb" * 48)),
        ({"pcrs": ["00" * 32, "22" * 32]}, "pcrs.1", Group.IMAGE, ("11" * 32, "22" * 32)),
        ({"tcb": {"reported": {"snp": 24, "microcode": 72}}}, "tcb.reported.snp", Group.TCB, ("23", "24")),
        ({"policy": {"debug_allowed": True}}, "policy.debug_allowed", Group.MACHINE, ("false", "true")),
        ({"report_id": "02" * 32}, "report_id", Group.OCCASION, ("01" * 32, "02" * 32)),
        ({"new": {"thing": 1}}, "new.thing", Group.MACHINE, ("", "1")),
    ],
)
def test_claims_are_compared_one_by_one(claims, name, group, values):
    found = diff(_side(), replace(_side(), claims=CLAIMS | claims))
    assert [(field.name, field.group) for field in found.fields if not field.is_same] == [(name, group)]
    assert _field(found, name) == values


def test_what_only_we_know_is_compared_too():
    found = diff(_side(ref="main", sizes={"77" * 32: 5}), _side(ref="v1", sizes={"77" * 32: 5}, policy_version="aa"))
    assert _field(found, "ref") == ("main", "v1")
    assert _field(found, "policy_version") == ("", "aa")
    assert found.files.unchanged[0].size == 5


def test_file_whose_size_one_side_does_not_know_is_the_same():
    assert diff(_side(sizes={"77" * 32: 5}), _side()).files.is_same


def test_recorded_builds_differ_in_everything_that_matters():
    one, two = (Side(summary(statement_parse(sample_bytes("bundles", name, "provenance.json")))) for name in ("ripgrep-2026-03", "kex"))
    found = diff(one, two)
    assert found.lines[0] is Line.DIFFERENT
    document = diff_to_json(found)
    counts = document["dependencies"]
    assert counts["left_count"] == counts["unchanged_count"] + len(counts["removed"]) + len(counts["changed"])
    assert counts["left_count"] > 40
