from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.history.alarms import compare
from kettle_web.history.alarms.compare import Facts, facts_read, findings
from kettle_web.history.models import Alarm

Kind = Alarm.Kind
SERDE = ("cargo", "serde", "1.0.228")
BEFORE = Facts(
    verdict="confirmed",
    has_evidence=True,
    measurement="aa",
    source_uri="https://example.org/a",
    tools={"rustc": "1.90, sha256:00", "cargo": "1.90, sha256:01"},
    packages={SERDE: frozenset({"sha256:00"})},
)


def _kinds(**changes):
    return [(finding.kind, finding.subject) for finding in findings(BEFORE, replace(BEFORE, **changes))]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"has_evidence": False, "verdict": "unattested"}, [(Kind.ATTESTATION_LOST, "")]),
        ({"verdict": "unpinned"}, [(Kind.VERDICT_WORSE, "")]),
        ({"verdict": "failed"}, [(Kind.VERDICT_WORSE, "")]),
        ({"measurement": "bb"}, [(Kind.MEASUREMENT_CHANGED, "")]),
        ({"measurement": ""}, []),
        ({"source_uri": "https://evil.example/a"}, [(Kind.SOURCE_MOVED, "")]),
        ({"source_uri": "git+https://EXAMPLE.org/a.git"}, []),
        ({"source_uri": ""}, []),
        ({"tools": {"rustc": "1.91, sha256:09", "cargo": "1.90, sha256:01"}}, [(Kind.TOOLCHAIN_CHANGED, "rustc")]),
        ({"tools": {"rustc": "1.90, sha256:00"}}, [(Kind.TOOLCHAIN_CHANGED, "cargo")]),
        ({"tools": {}}, []),
        ({"packages": {SERDE: frozenset({"sha256:ff"})}}, [(Kind.DIGEST_CHANGED, "cargo:serde@1.0.228")]),
        ({"packages": {SERDE: frozenset({"sha256:00", "sha256:ff"})}}, []),
        ({"packages": {("cargo", "serde", "1.0.229"): frozenset({"sha256:ff"})}}, []),
    ],
)
def test_each_change_raises_its_alarm_and_no_other(changes, expected):
    assert _kinds(**changes) == expected


def test_better_verdict_raises_none():
    assert findings(replace(BEFORE, verdict="failed"), BEFORE) == []


def test_subjects_that_are_cut_stay_apart():
    long = "x" * 300
    old = {("npm", long + end, "1"): frozenset({"a"}) for end in "12"}
    new = {key: frozenset({"b"}) for key in old}
    found = findings(replace(BEFORE, packages=old), replace(BEFORE, packages=new))
    assert len({finding.subject for finding in found}) == 2
    assert all(len(finding.subject) <= 200 for finding in found)


def test_exchanged_lockfile_raises_a_bounded_number():
    old = {("npm", str(n), "1"): frozenset({"a"}) for n in range(500)}
    new = {key: frozenset({"b"}) for key in old}
    assert len(findings(replace(BEFORE, packages=old), replace(BEFORE, packages=new))) == compare.MAX_FINDINGS


@given(
    st.recursive(
        st.none() | st.text(max_size=3), lambda inner: st.dictionaries(st.sampled_from(["measurement", "source_uri", "tools"]), inner)
    )
)
def test_parts_of_another_shape_state_nothing_or_something(value):
    facts_read(verdict="x", evidence_sha256="", claims=value, provenance={})
