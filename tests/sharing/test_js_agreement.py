"""The verifier in the browser and the one on the server say the same, check by check, on everything that can be asked of both."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kettle_web.attestation.platforms import procedures
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.provenance.strict_json import json_parse
from kettle_web.sharing.verifier_data import modules
from kettle_web.verification.checks.files import name_folded
from kettle_web.verification.report import Report
from tests.sharing import js_bundles, js_mutations, js_wrong
from tests.sharing.javascript import Runs, javascript
from tests.sharing.js_bundles import Bundle

SCRIPT = str(Path(__file__).with_name("agreement.js"))
MUTATIONS = 2000
SEED = 7
AT_ONCE = 250
FIELDS = ("code", "title", "link", "outcome", "required", "reason_code", "reason", "expected", "actual", "anchor", "depends_on")
OWN_WORDS = {"json.malformed", "json.not-utf8", "encoding.json", "encoding.base64", "encoding.base64url", "pem"}
"""Reason codes whose sentences end in what a reader of its own says: outcome and code agree, the words need not."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with javascript(tmp_path_factory.mktemp("javascript")) as runs:
        yield runs


@pytest.fixture(scope="module")
def seeds() -> list[Bundle]:
    made = [*js_bundles.recorded(), *js_bundles.minted()]
    return [*made, *(js_bundles.pinned(one) for one in made)]


def rows_of(report: Report) -> list[dict[str, Any]]:
    rows = []
    for check in report.checks:
        row = {name: getattr(check, name) for name in FIELDS}
        rows.append(row | {"link": check.link.value, "outcome": check.outcome.value, "depends_on": list(check.depends_on)})
    return rows


def differences(bundle: Bundle, report: Report, found: dict[str, Any]) -> list[str]:
    """Where the browser's report says something else than the server's."""
    answered = {
        "verdict": found["verdict"],
        "as of the build": found["asOfBuild"],
        "anchor": [found["anchor"], found["kind"]],
        "codes": [row["code"] for row in found["checks"]],
        "files": [[item[name] for name in ("name", "sha256", "outcome", "reason", "size")] for item in found["artifacts"]],
    }
    wanted: dict[str, Any] = {
        "verdict": report.now.verdict.value,
        "as of the build": report.as_of_build.verdict.value if report.as_of_build else None,
        "anchor": [report.anchor_name, report.anchor_kind],
        "codes": [check.code for check in report.checks],
        "files": [[item.name, item.sha256, item.outcome.value, item.reason, item.size] for item in report.artifacts],
    }
    said = [f"{bundle.name}: {name}: {wanted[name]!r} against {answered[name]!r}" for name in wanted if wanted[name] != answered[name]]
    loose = False
    for mine, other in zip(rows_of(report), found["checks"], strict=False):
        own_words = mine["reason_code"] in OWN_WORDS
        loose = loose or own_words
        fields = [name for name in FIELDS if not (own_words and name == "reason")]
        said += [
            f"{bundle.name}: {mine['code']}.{name}: {mine[name]!r} against {other[name]!r}" for name in fields if mine[name] != other[name]
        ]
    if not loose and report.now.headline.text != found["headline"]:
        said.append(f"{bundle.name}: headline: {report.now.headline.text!r} against {found['headline']!r}")
    return said


def compare(run: Runs, bundles: list[Bundle]) -> tuple[list[str], Counter[str]]:
    """All differences, and how often each reason occurred."""
    said: list[str] = []
    reasons: Counter[str] = Counter()
    for start in range(0, len(bundles), AT_ONCE):
        part = bundles[start : start + AT_ONCE]
        reports = [bundle.by_python() for bundle in part]
        answers = run(SCRIPT, "reports", [bundle.for_javascript() for bundle in part])
        for bundle, report, found in zip(part, reports, answers, strict=True):
            said += differences(bundle, report, found)
            reasons.update(check.reason_code for check in report.checks if check.reason_code)
    return said, reasons


def test_every_sample_and_every_platform_gives_the_same_report(run: Runs, seeds: list[Bundle]) -> None:
    said, _ = compare(run, seeds)
    assert said == []


def test_the_minted_bundles_pass_every_hardware_check(seeds: list[Bundle]) -> None:
    """Else the agreement would be about little."""
    tags = {
        bundle.by_python().platform for bundle in seeds if bundle.by_python().now.verdict.value in ("confirmed", "unpinned", "simulated")
    }
    assert tags >= {step.code.partition(".")[0] for procedure in procedures() for step in procedure.steps} - {"platform"}


def test_policies_requests_files_and_times_are_judged_alike(run: Runs) -> None:
    said, reasons = compare(run, list(js_bundles.asked()))
    assert said == []
    assert len(reasons) > 40


def test_what_was_signed_wrongly_is_refused_alike(run: Runs) -> None:
    said, reasons = compare(run, list(js_wrong.signed_wrongly()))
    assert said == []
    assert len(reasons) > 90


def test_mutated_bundles_are_refused_alike(run: Runs, seeds: list[Bundle]) -> None:
    said, reasons = compare(run, list(js_mutations.mutated(seeds, MUTATIONS, SEED)))
    assert said == [], f"{len(said)} differences"
    assert len(reasons) > 100, "the mutations reach fewer kinds of refusal than they used to"
    assert reasons["unexpected"] == 0


def test_the_data_modules_are_what_the_python_side_says() -> None:
    for path, text in modules().items():
        assert path.read_text() == text, f"{path.name}: run `manage.py verifier_data`"


def test_letters_are_folded_into_the_same_classes(run: Runs) -> None:
    letters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF and chr(code).isalpha()]
    one_way: dict[str, str] = {}
    other_way: dict[str, str] = {}
    for letter, theirs in zip(letters, run(SCRIPT, "folded", letters), strict=True):
        ours = name_folded(letter)
        assert one_way.setdefault(ours, theirs) == theirs, f"U+{ord(letter):04X}"
        assert other_way.setdefault(theirs, ours) == ours, f"U+{ord(letter):04X}"


def test_numbers_and_texts_are_written_again_alike(run: Runs) -> None:
    texts = [
        "0",
        "-0",
        "1.0",
        "-0.0",
        "1e5",
        "1e15",
        "1e16",
        "1.5e16",
        "123456789.125",
        "1e-4",
        "1e-5",
        "0.1",
        "1.7976931348623157e308",
        "5e-324",
        "123456789012345678901234567890",
        "2.5E+3",
        '"\\u00e9\\n\\u001f\\u2028/"',
        "[]",
        "{}",
        '[1, {"2": [], "1": {"a": null}}, true, false]',
        "9007199254740993.0",
        "100",
        "1.10",
        "1e22",
        "123e-7",
    ]
    written = [provenance_to_bytes(json_parse(text.encode(), max_bytes=1000)).decode() for text in texts]
    assert run(SCRIPT, "rewritten", texts) == written
