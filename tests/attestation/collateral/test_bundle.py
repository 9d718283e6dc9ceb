"""Collateral as JSON: a round trip, a real file, and everything else refused."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.attestation.checks import CheckImpossible, Malformed
from kettle_web.attestation.collateral import (
    AmdCollateral,
    AmdCrl,
    AmdVek,
    Collateral,
    CollateralMissing,
    IntelCollateral,
    collateral_from_json,
    collateral_parse,
    collateral_to_json,
)
from tests.attestation.conftest import sample_bytes, unhurried

INTEL = IntelCollateral("a", b"b", b"c", "d", "e", b"f", "g", "h", b"i")
CRL = AmdCrl(b"list", datetime(2026, 6, 1, tzinfo=UTC))
VEK = AmdVek(bytes(64), bytes(8), b"certificate")
WHOLE = Collateral(INTEL, AmdCollateral({"milan": CRL, "genoa": AmdCrl(b"other")}, (VEK,)))


@pytest.mark.parametrize("collateral", [WHOLE, Collateral(intel=INTEL), Collateral(amd=AmdCollateral()), Collateral(amd=WHOLE.amd)])
def test_collateral_round_trips_through_json(collateral: Collateral) -> None:
    assert collateral_parse(json.dumps(collateral_to_json(collateral)).encode()) == collateral


def test_real_collateral_is_read_and_written_the_same() -> None:
    data = sample_bytes("evidence/az-tdx-without-envelope.collateral.json")
    assert collateral_to_json(collateral_parse(data)) == json.loads(data)


def test_bundle_is_a_source_of_what_it_holds() -> None:
    assert WHOLE.intel_for(bytes(6), "platform") is INTEL
    assert WHOLE.amd_crl_for("milan") is CRL
    assert WHOLE.amd_vek_for("milan", bytes(64), bytes(8)) is VEK


@pytest.mark.parametrize(
    "ask",
    [
        lambda empty: empty.intel_for(bytes(6), "platform"),
        lambda empty: empty.amd_crl_for("milan"),
        lambda empty: empty.amd_vek_for("milan", bytes(64), bytes(8)),
        lambda empty: WHOLE.amd_vek_for("milan", bytes(64), b"\1" * 8),
        lambda empty: WHOLE.amd_crl_for("turin"),
    ],
)
def test_what_a_bundle_lacks_could_not_be_checked(ask: Any) -> None:
    with pytest.raises(CollateralMissing) as caught:
        ask(Collateral())
    assert isinstance(caught.value, CheckImpossible)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"more": 1}, "collateral.fields"),
        ({"tcb_info": 1}, "collateral.fields"),
        ({"pck_crl": "0 "}, "encoding.hex"),
        ({"amd": []}, "collateral.fields"),
        ({"amd": {"more": 1}}, "collateral.fields"),
        ({"amd": {"crls": {"rome": {}}}}, "collateral.fields"),
        ({"amd": {"crls": {"milan": {"der": "00", "more": 1}}}}, "collateral.fields"),
        ({"amd": {"crls": {"milan": {"der": "00", "fetched_at": "soon"}}}}, "collateral.time"),
        ({"amd": {"crls": {"milan": {"der": "00", "fetched_at": "2026-06-01T00:00:00"}}}}, "collateral.time"),
        ({"amd": {"veks": {}}}, "collateral.fields"),
        ({"amd": {"veks": [{}] * 65}}, "collateral.fields"),
        ({"amd": {"veks": [{"chip_id": "00", "tcb": "00", "der": "00"}]}}, "collateral.fields"),
    ],
)
def test_collateral_of_another_form_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Malformed) as caught:
        collateral_from_json(collateral_to_json(WHOLE) | change)
    assert caught.value.code == code


def test_missing_field_and_empty_collateral_are_refused() -> None:
    value = collateral_to_json(WHOLE)
    del value["pck_crl"]
    for broken, code in ((value, "collateral.fields"), ({}, "collateral.empty"), ([], "collateral.fields")):
        with pytest.raises(Malformed) as caught:
            collateral_from_json(broken)
        assert caught.value.code == code


@unhurried
@given(st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.integers(), lambda i: st.dictionaries(
    st.sampled_from(["amd", "crls", "veks", "milan", "der"]), i | st.lists(i))).map(lambda v: json.dumps(v).encode()))  # fmt: skip
def test_any_bytes_raise_only_the_parse_error(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        collateral_parse(data)
