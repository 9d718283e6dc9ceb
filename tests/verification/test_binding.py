from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from kettle_web.attestation.checks import CheckFailed
from kettle_web.builder.attesters.simulated import simulated_evidence
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.provenance.statement import statement_parse
from kettle_web.verification.checks.binding import signed_data_match
from kettle_web.verification.inquiry import Inquiry
from kettle_web.verification.report import Verdict
from tests.verification.bundles import (
    NONCE,
    NOW,
    REQUEST,
    check_of,
    compact_field,
    document_make,
    outcome_of,
    report_make,
    signed_field,
)

DATA = provenance_to_bytes(document_make())


def _inquiry(data: bytes = DATA) -> Inquiry:
    return Inquiry(data, None, None, NOW, NOW, statement=statement_parse(data))


@pytest.mark.parametrize(
    ("field", "layout", "nonce", "slot"),
    [
        (signed_field(DATA, NONCE), "digest-nonce-48", NONCE, True),
        (signed_field(DATA), "digest-nonce-48", b"", True),
        (signed_field(DATA, NONCE) + bytes(2), "digest-nonce-50", NONCE, True),
        (signed_field(DATA, NONCE) + bytes(16), "digest-nonce-64", NONCE, True),
        (signed_field(DATA) + bytes(16), "digest-nonce-64", b"", True),
        (compact_field(DATA), "compact-digest-32", b"", False),
        (compact_field(DATA) + bytes(32), "compact-digest-64", b"", False),
    ],
)
def test_each_layout_is_recognised_and_named(field: bytes, layout: str, nonce: bytes, slot: bool) -> None:
    found = signed_data_match(field, _inquiry())
    assert (found.layout, found.nonce, found.has_nonce_slot, found.data) == (layout, nonce, slot, field)


@pytest.mark.parametrize(
    ("field", "code"),
    [
        (b"", "signed-data.length"),
        (signed_field(DATA)[:47], "signed-data.length"),
        (signed_field(DATA) + bytes(1), "signed-data.length"),
        (signed_field(DATA) + bytes(17), "signed-data.length"),
        (signed_field(DATA, NONCE) + b"\0\1", "signed-data.tail"),
        (signed_field(DATA, NONCE) + bytes(15) + b"\1", "signed-data.tail"),
        (signed_field(DATA + b" ", NONCE), "signed-data.digest"),
        (hashlib.sha256(DATA).digest(), "signed-data.digest"),  # Raw digest in the field of the compact form.
        (compact_field(DATA) + bytes(16), "signed-data.digest"),  # Compact digest in a field with a nonce.
        (compact_field(DATA) + NONCE + bytes(16), "signed-data.digest"),
    ],
)
def test_what_is_no_layout_is_refused(field: bytes, code: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        signed_data_match(field, _inquiry())
    assert caught.value.code == code


@pytest.mark.parametrize("other", [DATA + b"\n", json.dumps(json.loads(DATA)).encode(), DATA.replace(b"  ", b"\t")])
def test_white_space_that_the_compact_digest_does_not_see_is_refused(other: bytes) -> None:
    with pytest.raises(CheckFailed) as caught:
        signed_data_match(compact_field(DATA), _inquiry(other))
    assert caught.value.code == "signed-data.not-canonical"


def test_the_report_shows_which_layout_matched() -> None:
    report = report_make()
    assert report.signed_data is not None
    assert report.signed_data["layout"] == "digest-nonce-64"
    assert report.signed_data["nonce_hex"] == NONCE.hex()
    assert check_of(report, "signed-data.layout").actual.startswith("digest and nonce in a field of 64 bytes")


def test_evidence_for_another_provenance_fails() -> None:
    report = report_make(evidence_bytes=simulated_evidence(signed_field(b"another", NONCE)))
    assert outcome_of(report, "signed-data.layout") == ("fail", "signed-data.digest")
    assert report.now.verdict is Verdict.FAILED


def test_the_nonce_of_the_request_passes() -> None:
    assert outcome_of(report_make(), "signed-data.nonce") == ("pass", "")


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"nonce": bytes(15) + b"\1"}, "nonce.differs"),
        ({"nonce": bytes(16)}, "nonce.zero"),
        ({"nonce": bytes(16), "nonce_signed": b""}, "nonce.zero"),
        ({"nonce_signed": b""}, "nonce.absent"),
        ({"nonce": NONCE[:15]}, "nonce.length"),
        ({"nonce": b""}, "nonce.length"),
        ({"evidence_bytes": simulated_evidence(compact_field(DATA))}, "nonce.no-slot"),
    ],
)
def test_another_nonce_fails(overrides: dict[str, Any], code: str) -> None:
    report = report_make(**overrides)
    assert outcome_of(report, "signed-data.nonce") == ("fail", code)
    assert report.now.verdict is Verdict.FAILED


def test_no_expected_nonce_is_skipped_and_not_required() -> None:
    report = report_make(nonce=None)
    check = check_of(report, "signed-data.nonce")
    assert (check.outcome.value, check.required) == ("skipped", False)
    assert report.now.verdict is Verdict.CONFIRMED
    assert any("request of yours" in sentence.text for sentence in report.not_checked)


def test_evidence_of_another_build_fails() -> None:
    report = report_make(evidence_seen_in="01ABC")
    assert outcome_of(report, "signed-data.replay") == ("fail", "replay.seen")
    assert "01ABC" in report.now.headline.text


def test_where_nobody_looked_for_a_replay_it_is_said() -> None:
    assert outcome_of(report_make(evidence_seen_in=None), "signed-data.replay") == ("skipped", "replay.not-looked")
    assert outcome_of(report_make(), "signed-data.replay") == ("pass", "")


def test_what_rests_on_a_broken_link_is_skipped_and_says_so() -> None:
    report = report_make(evidence_bytes=simulated_evidence(signed_field(b"another", NONCE)))
    nonce = check_of(report, "signed-data.nonce")
    assert nonce.reason == "depends on «The hardware signed this provenance», which failed"
    assert outcome_of(report, "provenance.types") == ("pass", "")


def test_what_failed_is_not_said_to_be_unchecked() -> None:
    report = report_make(nonce=b"\7" * 16, request=replace(REQUEST, resolved_commit="22" * 20))
    assert outcome_of(report, "signed-data.nonce")[0] == outcome_of(report, "request.ref")[0] == "fail"
    said = " ".join(sentence.text for sentence in report.not_checked)
    assert "request of yours" not in said
    assert "another" not in said
