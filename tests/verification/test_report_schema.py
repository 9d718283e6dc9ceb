"""Every report is what `report.schema.json` says, and the schema tells one that is not."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import kettle_web.verification
from kettle_web.verification.report import Check, Link, Outcome, Report, Verdict, report_to_json
from kettle_web.verification.run import run_checks
from tests.provenance.samples import BUNDLES, sample_bytes
from tests.verification.bundles import report_make

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SCHEMA = json.loads((Path(kettle_web.verification.__file__).parent / "report.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def _as_read(report: Report) -> Any:
    return json.loads(json.dumps(report_to_json(report)))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("want_artifacts", [True, False])
def test_reports_of_recorded_bundles_fit(name: str, want_artifacts: bool) -> None:
    provenance, evidence = (sample_bytes("bundles", name, f"{kind}.json") for kind in ("provenance", "evidence"))
    report = run_checks(provenance_bytes=provenance, evidence_bytes=evidence, artifacts=None, want_artifacts=want_artifacts, now=NOW)
    VALIDATOR.validate(_as_read(report))


@pytest.mark.parametrize("file", ["snp-genoa.json", "az-snp-report-v2.json", "az-tdx.json"])
def test_reports_of_evidence_alone_fit(file: str) -> None:
    report = run_checks(provenance_bytes=None, evidence_bytes=sample_bytes("evidence", file), artifacts=None, now=NOW)
    VALIDATOR.validate(_as_read(report))


@pytest.mark.parametrize(
    ("provenance", "evidence"), [(None, None), (b"", b""), (b"{}", b"{}"), (b"\xff", b'{"platform":"none","evidence":{}}'), (b"[]", None)]
)
def test_reports_of_hostile_bytes_fit(provenance: bytes | None, evidence: bytes | None) -> None:
    VALIDATOR.validate(_as_read(run_checks(provenance_bytes=provenance, evidence_bytes=evidence, artifacts=None, now=NOW)))


def test_a_sound_report_fits() -> None:
    VALIDATOR.validate(_as_read(report_make()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value.update(extra=1),
        lambda value: value.update(schema_version=2),
        lambda value: value["now"].update(verdict="verified"),
        lambda value: value["checks"][0].update(outcome="ok"),
        lambda value: value["checks"][0].update(outcome="skipped", reason=""),
        lambda value: value["checks"][0].update(outcome="pass", reason="because"),
        lambda value: value.update(does_not_prove=[]),
        lambda value: value.pop("policy_version"),
    ],
)
def test_what_is_no_report_does_not_fit(spoil: Any) -> None:
    value = _as_read(report_make())
    spoil(value)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(value)


def test_words_and_fields_are_those_of_the_code() -> None:
    definitions = SCHEMA["$defs"]
    assert definitions["judgement"]["properties"]["verdict"]["enum"] == [str(one) for one in Verdict]
    assert definitions["check"]["properties"]["link"]["enum"] == [str(one) for one in Link]
    assert definitions["outcome"]["enum"] == [str(one) for one in Outcome]
    assert set(SCHEMA["properties"]) == {field.name for field in dataclasses.fields(Report)}
    assert set(definitions["check"]["properties"]) == {field.name for field in dataclasses.fields(Check)}
