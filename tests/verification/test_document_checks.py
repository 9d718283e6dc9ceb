from __future__ import annotations

from typing import Any

import pytest

from kettle_web.verification.report import Verdict
from tests.provenance.samples import changed
from tests.verification.bundles import document_make, outcome_of, report_make

_BUILD = "predicate/buildDefinition"
_TOOLS = f"{_BUILD}/internalParameters/toolchain"
_TOOL = {"digest": {"sha256": "44" * 32}, "version": "1"}
_OURS = (
    "documents.evidence",
    "documents.provenance",
    "signed-data.layout",
    "signed-data.nonce",
    "signed-data.replay",
    "image.allow-list",
    "provenance.types",
    "provenance.builder",
    "provenance.source",
    "provenance.times",
    "request.repository",
    "request.ref",
    "inputs.merkle-root",
    "inputs.dependencies",
    "artifacts.subjects",
    "artifacts.digests",
)


@pytest.mark.parametrize("code", _OURS)
def test_each_check_passes_on_a_good_bundle(code: str) -> None:
    assert outcome_of(report_make(), code) == ("pass", "")


@pytest.mark.parametrize(
    ("path", "value", "code", "reason"),
    [
        ("_type", "https://in-toto.io/Statement/v0.1", "provenance.types", "provenance.statement-type"),
        ("predicateType", "https://slsa.dev/provenance/v0.2", "provenance.types", "provenance.predicate-type"),
        ("predicate/runDetails/builder/id", "", "provenance.builder", "provenance.builder-id"),
        ("predicate/runDetails/builder/id", "kettle", "provenance.builder", "provenance.builder-id"),
        ("predicate/runDetails/builder/id", "https://[", "provenance.builder", "provenance.builder-id"),
        (f"{_BUILD}/buildType", "https://lunal.dev/kettle/cargo@v2", "provenance.builder", "provenance.build-type"),
        (f"{_BUILD}/buildType", "https://lunal.dev/kettle/nix@v1", "provenance.builder", "provenance.build-type-tools"),
        (_TOOLS, {"go": _TOOL}, "provenance.builder", "provenance.toolchain"),
        (f"{_BUILD}/externalParameters/source/digest/gitCommit", "HEAD", "provenance.source", "provenance.git-commit"),
        (f"{_BUILD}/externalParameters/source/digest/gitTree", "22" * 19, "provenance.source", "provenance.git-tree"),
        (f"{_BUILD}/internalParameters/lockfileHash/sha256", "33", "provenance.source", "provenance.lockfile"),
        ("predicate/runDetails/metadata/finishedOn", "2026-05-20T21:52:39Z", "provenance.times", "times.order"),
        ("predicate/runDetails/metadata/finishedOn", "2026-06-01T00:05:01Z", "provenance.times", "times.future"),
        (f"{_BUILD}/resolvedDependencies/0/name", "other", "inputs.dependencies", "inputs.contradiction"),
        (f"{_BUILD}/resolvedDependencies/0/digest/sha256", "cd" * 32, "inputs.dependencies", "inputs.contradiction"),
        ("predicate/runDetails/byproducts", [], "inputs.merkle-root", "inputs.no-root"),
        ("predicate/runDetails/byproducts/0/digest/sha256", "00" * 32, "inputs.merkle-root", "inputs.root-differs"),
        (f"{_TOOLS}/rustc/version", "rustc 1.94.0", "inputs.merkle-root", "inputs.root-differs"),
        ("subject", [], "artifacts.subjects", "subjects.empty"),
        ("subject/0/digest", {"sha512": "00" * 64}, "artifacts.subjects", "subjects.digest"),
        ("subject/0/digest", {"sha256": "00"}, "artifacts.subjects", "subjects.digest"),
        ("subject/0/digest", {"sha256": "00" * 32, "sha1": "00" * 20}, "artifacts.subjects", "subjects.digest"),
        ("subject/0/digest", {}, "artifacts.subjects", "subjects.digest"),
        *(
            ("subject/0/name", name, "artifacts.subjects", "subjects.name")
            for name in ("", ".", "..", "a/b", "a\\b", "a\n", "a\x7f", "a\x1b[2J", "a\u202eb", "a\u200bb", "a\u2066b", "x" * 256)
        ),
    ],
)
def test_a_wrong_document_fails_in_its_own_row(path: str, value: Any, code: str, reason: str) -> None:
    report = report_make(changed(document_make(), path, value))
    assert outcome_of(report, code) == ("fail", reason)
    assert outcome_of(report, "signed-data.layout") == ("pass", "")
    assert report.now.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", "a"), ("A", "a"), ("é", "e\u0301"), ("straße", "STRASSE"), ("É", "e\u0301"), ("a", "a "), ("a", "a."), ("a", "a\ufe0f"),
        ("a", "\u3164A. ."), ("\u3164", "\ufe0f"),
    ],
)  # fmt: skip
def test_doubled_names_fail(first: str, second: str) -> None:
    document = document_make()
    subject = document["subject"][0]
    document["subject"] = [{**subject, "name": first}, {**subject, "name": second}]
    assert outcome_of(report_make(document), "artifacts.subjects") == ("fail", "subjects.doubled")


def test_the_build_type_of_all_toolchains_fits_any() -> None:
    document = document_make(predicate__buildDefinition__buildType="https://confidential.ai/attested-builds/v1")
    assert outcome_of(report_make(document), "provenance.builder") == ("pass", "")


def test_another_root_of_a_pnpm_build_could_not_be_checked() -> None:
    tools = {"pnpm": _TOOL, "node": _TOOL, "kettle": _TOOL}
    document = document_make(
        predicate__buildDefinition__buildType="https://lunal.dev/kettle/pnpm@v1",
        predicate__buildDefinition__internalParameters__toolchain=tools,
        predicate__buildDefinition__resolvedDependencies=[],
    )
    assert outcome_of(report_make(document), "inputs.merkle-root") == ("pass", "")
    report = report_make(changed(document, "predicate/runDetails/byproducts/0/digest/sha256", "00" * 32))
    assert outcome_of(report, "inputs.merkle-root") == ("error", "inputs.pnpm-order")
    assert report.now.verdict is Verdict.INCOMPLETE


def test_an_address_of_an_unknown_form_is_said_to_be_uncompared() -> None:
    dependency = {"digest": {"sha256": "ab" * 32}, "name": "x", "uri": "pkg:golang/x@1"}
    document = document_make(predicate__buildDefinition__resolvedDependencies=[dependency])
    report = report_make(document)
    actual = next(check.actual for check in report.checks if check.code == "inputs.dependencies")
    assert actual == "0 of 1 addresses agree with name and digest; 1 addresses of a form that is not known here were not compared"


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "json.empty"), (b"{}", "statement.missing"), (b"\xff", "json.not-utf8"), (b'{"_type": 1, "_type": 2}', "json.doubled-name")],
)
def test_an_unreadable_provenance_fails(data: bytes, code: str) -> None:
    report = report_make(provenance_bytes=data)
    assert outcome_of(report, "documents.provenance") == ("fail", code)
    assert report.now.verdict is Verdict.FAILED


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"platform": "snp"}', b'{"platform": "snp", "evidence": {}}'])
def test_unreadable_evidence_fails(data: bytes) -> None:
    assert report_make(evidence_bytes=data).now.verdict is Verdict.FAILED


@pytest.mark.parametrize("platform", ["vax", "tdx", "gcp-tdx", "az-tdx", "dstack"])
def test_an_unknown_platform_and_empty_evidence_fail(platform: str) -> None:
    data = b'{"platform": "%s", "evidence": {}}' % platform.encode()
    assert report_make(evidence_bytes=data).now.verdict is Verdict.FAILED
