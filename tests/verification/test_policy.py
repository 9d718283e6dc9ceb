"""Policies: which images they recognise, what they refuse to hold, and that file, schema and value say the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.provenance.statement import BUILD_TYPES
from kettle_web.verification.policy import FAMILIES, FIRMWARE_COMPONENTS, Policy, PolicyEntry, PolicyError
from kettle_web.verification.policy_json import (
    ENTRY_FIELDS,
    TOP_FIELDS,
    entry_parse,
    policy_parse,
    policy_to_json,
    schema_document,
)

MEASUREMENT = "ab" * 48
PCR = "cd" * 32
RTMR = "ef" * 48
BARE = {
    "name": "Kettle 1.0",
    "kettle_release": "1.0.3",
    "platform": "snp",
    "measurement": MEASUREMENT,
    "pinned_by": "an administrator",
    "reason": "ours",
    "derivation": "computed",
    "from": "2026-01-01T00:00:00Z",
}
AZURE = {**BARE, "platform": "az-snp", "pcrs": {"4": PCR}}
_INTEL = {name: value for name, value in BARE.items() if name != "measurement"}
TDX = {**_INTEL, "platform": "tdx", "mr_td": MEASUREMENT, "rtmrs": {"1": RTMR}}
AZURE_TDX = {**_INTEL, "platform": "az-tdx", "mr_td": MEASUREMENT, "pcrs": {"4": PCR}}
TOP = {
    "allowed_builder_ids": ["https://lunal.dev/kettle-tee/v1"],
    "allowed_build_types": ["https://confidential.ai/attested-builds/v1"],
    "required_nonce": True,
    "required_collateral": True,
    "required_source": {"repository": "https://example.org/hello.git", "ref": "main"},
}


def _policy(*entries: Any, **overrides: Any) -> bytes:
    return json.dumps({"schema": 1, "version": "v1", **({"entries": list(entries)} if entries else {}), **overrides}).encode()


def _without(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != name}


@pytest.mark.parametrize(
    ("entry", "platforms", "claims"),
    [
        (BARE, ("snp", "gcp-snp"), {"measurement": MEASUREMENT}),
        (AZURE, ("az-snp",), {"measurement": MEASUREMENT, "pcrs": ["00" * 32] * 4 + [PCR]}),
        (AZURE, ("az-snp",), {"measurement": MEASUREMENT, "pcrs": {"4": PCR}}),
        (TDX, ("tdx", "gcp-tdx", "dstack"), {"measurement": MEASUREMENT, "rtmrs": ["00" * 48, RTMR, "", ""]}),
        (AZURE_TDX, ("az-tdx",), {"measurement": MEASUREMENT, "pcrs": ["00" * 32] * 4 + [PCR]}),
    ],
)
def test_an_image_is_recognised_by_what_tells_it_from_others(entry: Any, platforms: tuple[str, ...], claims: dict[str, Any]) -> None:
    policy = policy_parse(_policy(entry))
    for platform in ("snp", "gcp-snp", "az-snp", "tdx", "gcp-tdx", "dstack", "az-tdx", ""):
        assert (policy.entry_for(platform, claims) is not None) == (platform in platforms)
    for other in ({}, {**claims, "measurement": "00" * 48}):
        assert policy.entry_for(platforms[0], other) is None


@pytest.mark.parametrize("pcrs", [[], {}, None, ["00" * 32] * 24, {"5": PCR}, [PCR]])
def test_other_registers_are_not_recognised(pcrs: Any) -> None:
    assert policy_parse(_policy(AZURE)).entry_for("az-snp", {"measurement": MEASUREMENT, "pcrs": pcrs}) is None
    assert policy_parse(_policy(TDX)).entry_for("tdx", {"measurement": MEASUREMENT, "rtmrs": pcrs}) is None


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        (datetime(2025, 12, 31, tzinfo=UTC), False),
        (datetime(2026, 1, 1, tzinfo=UTC), True),
        (datetime(2026, 6, 1, tzinfo=UTC), True),
        (datetime(2026, 6, 2, tzinfo=UTC), False),
    ],
)
def test_an_entry_holds_within_its_dates(moment: datetime, holds: bool) -> None:
    policy = policy_parse(_policy({**BARE, "until": "2026-06-01T00:00:00Z"}))
    assert (policy.entry_for("snp", {"measurement": MEASUREMENT}, moment) is not None) == holds
    assert policy.entry_for("snp", {"measurement": MEASUREMENT}) is not None


def test_the_default_recognises_nothing() -> None:
    assert Policy().entry_for("snp", {"measurement": ""}) is None


def test_without_a_version_the_digest_names_the_policy() -> None:
    assert len(policy_parse(json.dumps({"schema": 1, "entries": [BARE]}).encode()).version) == 64


@pytest.mark.parametrize(
    "entry",
    [
        BARE, AZURE, TDX, AZURE_TDX, {**BARE, "minimum_tcb": {"snp": 24, "microcode": 0}}, {**BARE, "isolates_build_from_attester": None},
        {**BARE, "isolates_build_from_attester": True, "until": "2027-01-01T00:00:00.5+02:00"}, {**AZURE_TDX, "rtmrs": {"0": RTMR}},
    ],
)  # fmt: skip
def test_a_policy_survives_its_json(entry: dict[str, Any]) -> None:
    policy = policy_parse(_policy(entry, AZURE, **TOP))
    assert policy_parse(json.dumps(policy_to_json(policy)).encode()) == policy
    assert entry_parse(policy.entries[0].to_json()) == policy.entries[0]


def test_demands_need_no_entries() -> None:
    policy = policy_parse(_policy(**TOP))
    assert policy.required_nonce
    assert policy.required_source is not None
    assert policy.entries == ()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"[]", "not an object"),
        (b"{}", "schema"),
        (_policy(), "recognises nothing"),
        (b'{"schema": 1, "entries": [], "entries": []}', "twice"),
        (_policy(BARE, schema=2), "schema"),
        (_policy(BARE, schema=True), "schema"),
        (_policy(BARE, version=1), "version"),
        (_policy(BARE, version=""), "version"),
        (_policy(BARE, version="x" * 65), "version"),
        (_policy(BARE, more=1), "unknown field 'more'"),
        (_policy(BARE, anchors=[]), "never add a trust anchor"),
        (_policy(BARE, entries={}), "entries"),
        (_policy(BARE, entries=[]), "entries"),
        (_policy(BARE, allowed_builder_ids=[]), "allowed_builder_ids"),
        (_policy(BARE, allowed_builder_ids=[""]), "allowed_builder_ids"),
        (_policy(BARE, allowed_build_types=["https://example.org/"]), "build types"),
        (_policy(BARE, required_nonce=1), "required_nonce"),
        (_policy(BARE, required_collateral="yes"), "required_collateral"),
        (_policy(BARE, required_source={}), "required_source"),
        (_policy(BARE, required_source={"repository": ""}), "repository"),
        (_policy(BARE, required_source={"commit": "x"}), "unknown field 'commit'"),
        (_policy("x"), "entry 1 is not an object"),
        (_policy({**BARE, "more": 1}), "entry 1 has the unknown field 'more'"),
        (_policy({**BARE, "anchor": 1}), "unknown field 'anchor'"),
        (_policy({**BARE, "platform": "gcp-snp"}), "platform"),
        (_policy({**BARE, "measurement": "AB" * 48}), "measurement"),
        (_policy({**BARE, "measurement": "ab" * 32}), "measurement"),
        (_policy({**BARE, "mr_td": MEASUREMENT}), "not by mr_td"),
        (_policy({**TDX, "measurement": MEASUREMENT}), "not by measurement"),
        (_policy({**BARE, "name": " "}), "name"),
        (_policy({**BARE, "name": "Kettle\u202e 1.0"}), "do not show"),
        (_policy({**BARE, "isolates_build_from_attester": "yes"}), "isolates_build_from_attester"),
        (_policy({**BARE, "from": "2026-01-01"}), "from"),
        (_policy({**BARE, "from": "2026-13-01T00:00:00Z"}), "from"),
        (_policy({**BARE, "from": "9999-12-31T23:59:59-23:59"}), "from"),
        (_policy({**BARE, "until": ""}), "until"),
        (_policy({**BARE, "until": "2026-01-01T00:00:00Z"}), "ends before it begins"),
        (_policy({**BARE, "pcrs": {"4": PCR}}), "does not attest"),
        (_policy({**BARE, "minimum_tcb": {}}), "minimum_tcb"),
        (_policy({**BARE, "minimum_tcb": {"svn": 1}}), "unknown field 'svn'"),
        (_policy({**BARE, "minimum_tcb": {"snp": True}}), "minimum_tcb"),
        (_policy({**BARE, "minimum_tcb": {"snp": 256}}), "minimum_tcb"),
        (_policy({**TDX, "minimum_tcb": {"tee": 1}}), "demand collateral"),
        *((_policy(_without(BARE, name)), f"no {name}") for name in BARE),
        (_policy(_without(TDX, "mr_td")), "no mr_td"),
        (_policy(_without(AZURE, "pcrs")), "every Azure machine"),
        (_policy({**AZURE, "pcrs": {"4": "00" * 32}}), "every Azure machine"),
        (_policy({**AZURE, "pcrs": {"16": PCR, "23": PCR}}), "every Azure machine"),
        (_policy(_without(AZURE_TDX, "pcrs")), "every Azure machine"),
        (_policy(_without(TDX, "rtmrs")), "virtual firmware"),
        (_policy({**TDX, "rtmrs": {"0": "00" * 48}}), "virtual firmware"),
        (_policy({**TDX, "rtmrs": {"3": RTMR}}), "RTMR from 0 to 2"),
        (_policy({**TDX, "rtmrs": {"4": RTMR}}), "0 to 3"),
        (_policy({**AZURE, "pcrs": []}), "pcrs"),
        (_policy({**AZURE, "pcrs": {"24": PCR}}), "0 to 23"),
        (_policy({**AZURE, "pcrs": {"04": PCR}}), "0 to 23"),
        (_policy({**AZURE, "pcrs": {"4": "00"}}), "PCR|pcrs"),
    ],
)  # fmt: skip
def test_an_unclear_policy_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(PolicyError, match=sentence):
        policy_parse(data)


def test_no_entry_that_recognises_too_much_can_be_made() -> None:
    good = entry_parse(AZURE)
    for overrides in ({"pcrs": {}}, {"platform": "snp"}, {"platform": "tdx", "pcrs": {}}, {"platform": "gcp-snp"}):
        with pytest.raises(PolicyError):
            replace(good, **overrides)


def test_the_schema_names_the_same_fields() -> None:
    schema = schema_document()
    entry = schema["$defs"]["entry"]
    assert set(schema["properties"]) == set(TOP_FIELDS)
    assert set(entry["properties"]) == set(ENTRY_FIELDS)
    assert set(entry["required"]) | {"measurement"} == set(BARE)
    assert entry["properties"]["platform"]["enum"] == list(FAMILIES)
    assert set(schema["properties"]["allowed_build_types"]["items"]["enum"]) == set(BUILD_TYPES)
    (pattern,) = entry["properties"]["minimum_tcb"]["patternProperties"]
    assert pattern == f"^({'|'.join(FIRMWARE_COMPONENTS)})$"
    for part in (*schema["properties"].values(), *entry["properties"].values()):
        assert "description" in part or "$ref" in part


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=8))
def test_any_json_is_a_policy_or_a_policy_error(value: Any) -> None:
    documents = [_policy({**AZURE, name: value}) for name in ENTRY_FIELDS]
    documents += [_policy(BARE, **{name: value}) for name in TOP_FIELDS]
    for data in (json.dumps(value).encode(), *documents):
        try:
            policy = policy_parse(data)
        except PolicyError:
            continue
        assert isinstance(policy, Policy)


def test_an_entry_without_dates_always_holds() -> None:
    entry = PolicyEntry("Kettle 1.0", "snp", MEASUREMENT, "an administrator", "r", "d")
    assert entry.holds_at(datetime(1970, 1, 1, tzinfo=UTC))
