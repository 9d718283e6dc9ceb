"""The envelope is read strictly: one way to say each thing, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.attestation.checks import Malformed
from kettle_web.attestation.envelope import MAX_EVIDENCE_BYTES, envelope_parse

from .conftest import unhurried

GOOD = b'{"platform": "snp", "evidence": {"a": 1}}'


def test_known_fields_are_read_and_others_ignored() -> None:
    envelope = envelope_parse(b'{"more": [], "platform": "snp", "evidence": {"a": 1}}')
    assert (envelope.platform, envelope.evidence) == ("snp", {"a": 1})


def test_largest_evidence_is_read_and_one_byte_more_is_not() -> None:
    assert envelope_parse(GOOD.ljust(MAX_EVIDENCE_BYTES)).platform == "snp"
    with pytest.raises(Malformed) as caught:
        envelope_parse(GOOD.ljust(MAX_EVIDENCE_BYTES + 1))
    assert caught.value.code == "envelope.too-large"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "encoding.json"),
        (b"{", "encoding.json"),
        (GOOD + b"x", "encoding.json"),
        (b"\xef\xbb\xbf" + GOOD, "encoding.json"),
        (GOOD.decode().encode("utf-16"), "encoding.utf8"),
        (b'{"platform": "\xff", "evidence": {}}', "encoding.utf8"),
        (b'{"platform": "snp", "evidence": {"a": NaN}}', "encoding.json"),
        (b'{"platform": "snp", "evidence": {"a": -Infinity}}', "encoding.json"),
        (b'{"platform": "snp", "evidence": {"a": 1' + b"0" * 5000 + b"}}", "encoding.json"),
        (b"[" * 100_000, "encoding.json"),
        (b'{"platform": "snp", "platform": "snp", "evidence": {}}', "encoding.duplicate-key"),
        (b'{"platform": "snp", "evidence": {"a": {"b": 1, "b": 1}}}', "encoding.duplicate-key"),
        (b"[]", "envelope.not-object"),
        (b"null", "envelope.not-object"),
        (b'"snp"', "envelope.not-object"),
        (b'{"evidence": {}}', "envelope.platform"),
        (b'{"platform": 1, "evidence": {}}', "envelope.platform"),
        (b'{"platform": "", "evidence": {}}', "envelope.platform"),
        (b'{"platform": "' + b"a" * 65 + b'", "evidence": {}}', "envelope.platform"),
        (b'{"platform": "a\\u0000", "evidence": {}}', "envelope.platform"),
        (b'{"platform": "\\ud800", "evidence": {}}', "envelope.platform"),
        (b'{"platform": "snp"}', "envelope.evidence"),
        (b'{"platform": "snp", "evidence": []}', "envelope.evidence"),
        (b'{"platform": "snp", "evidence": null}', "envelope.evidence"),
    ],
)
def test_everything_else_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        envelope_parse(data)
    assert caught.value.code == code


@unhurried
@given(st.binary(max_size=200))
def test_random_bytes_raise_only_our_error(data: bytes) -> None:
    with pytest.raises(Malformed):
        envelope_parse(data)
