from __future__ import annotations

import json
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.verification.report import (
    ArtifactResult,
    Check,
    Judgement,
    Link,
    Outcome,
    Report,
    ReportUnreadable,
    Sentence,
    ValidUntil,
    Verdict,
    report_from_json,
    report_to_json,
)
from tests.verification.bundles import report_make

_texts = st.text(max_size=12)
_moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))]))
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_objects = st.dictionaries(_texts, _values, max_size=3)
_params = st.dictionaries(st.sampled_from(["a", "b"]), _texts | st.integers(0, 99))
_sentences = st.builds(Sentence, st.just("said"), _params) | st.just(Sentence("said of {a}", {"a": "x"}))
_judgements = st.builds(Judgement, st.sampled_from(Verdict), _moments, _sentences)
_checks = st.builds(
    Check,
    code=_texts,
    title=_texts,
    link=st.sampled_from(Link),
    outcome=st.sampled_from(Outcome),
    required=st.booleans(),
    proves=_texts,
    does_not_prove=_texts,
    reason=_texts,
    reason_code=_texts,
    expected=_texts,
    actual=_texts,
    anchor=_texts,
    depends_on=st.lists(_texts, max_size=2).map(tuple),
)
_reports = st.builds(
    Report,
    now=_judgements,
    as_of_build=st.none() | _judgements,
    exit_status=st.integers(0, 4),
    platform=_texts,
    platform_title=_texts,
    anchor_name=_texts,
    anchor_kind=_texts,
    checks=st.lists(_checks, max_size=2).map(tuple),
    artifacts=st.lists(
        st.builds(ArtifactResult, _texts, _texts, st.sampled_from(Outcome), _texts, st.none() | st.integers(0)), max_size=2
    ).map(tuple),
    not_checked=st.lists(_sentences, max_size=2).map(tuple),
    does_not_prove=st.lists(_sentences, max_size=2).map(tuple),
    claims=_objects,
    provenance=st.none() | _objects,
    signed_data=st.none() | _objects,
    valid_until=st.lists(st.builds(ValidUntil, _texts, st.none() | _moments, _moments), max_size=2).map(tuple),
    provenance_sha256=_texts,
    evidence_sha256=_texts,
    policy_version=_texts,
    policy_entry=st.none() | _objects,
)


@given(_reports)
def test_every_report_survives_the_round_trip(report: Report) -> None:
    assert report_from_json(json.loads(json.dumps(report_to_json(report)))) == report


def test_a_real_report_survives_the_round_trip() -> None:
    report = report_make()
    value = report_to_json(report)
    assert report_from_json(json.loads(json.dumps(value))) == report
    assert value["now"]["headline"]["text"] == report.now.headline.text
    assert value["now"]["verdict"] == "confirmed"


def _real() -> dict[str, Any]:
    return report_to_json(report_make())


@pytest.mark.parametrize(
    ("name", "value"),
    [("schema_version", 2), ("now", None), ("checks", [{}]), ("checks", 5), ("artifacts", [{"outcome": "great"}]), ("unknown", 1)],
)
def test_what_is_no_report_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ReportUnreadable):
        report_from_json({**_real(), name: value})


def test_an_empty_object_is_no_report() -> None:
    with pytest.raises(ReportUnreadable):
        report_from_json({})


def test_a_report_from_before_a_field_was_added_is_read() -> None:
    value = _real()
    for check in value["checks"]:
        del check["reason_code"]
    assert report_from_json(value).checks[0].reason_code == ""
