from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.verification.policy import Policy, PolicyError, policy_parse

MEASUREMENT = "ab" * 48
PCR = "cd" * 32
BARE = {
    "name": "Kettle 1.0",
    "platform": "snp",
    "measurement": MEASUREMENT,
    "pinned_by": "an administrator",
    "reason": "ours",
    "derivation": "computed",
}
AZURE = {**BARE, "platform": "az-snp", "pcrs": {"4": PCR}}


def _policy(*entries: Any, **overrides: Any) -> bytes:
    return json.dumps({"schema": 1, "version": "v1", "entries": list(entries), **overrides}).encode()


def test_a_measurement_recognises_a_bare_machine() -> None:
    policy = policy_parse(_policy(BARE))
    assert policy.version == "v1"
    for platform in ("snp", "gcp-snp"):
        entry = policy.entry_for(platform, {"measurement": MEASUREMENT})
        assert entry is not None
        assert entry.name == "Kettle 1.0"


@pytest.mark.parametrize(
    ("platform", "claims"),
    [
        ("snp", {"measurement": "00" * 48}),
        ("snp", {}),
        ("az-snp", {"measurement": MEASUREMENT}),
        ("tdx", {"measurement": MEASUREMENT}),
        ("", {"measurement": MEASUREMENT}),
    ],
)
def test_anything_else_is_not_recognised(platform: str, claims: dict[str, Any]) -> None:
    assert policy_parse(_policy(BARE)).entry_for(platform, claims) is None


@pytest.mark.parametrize("pcrs", [["00" * 32] * 4 + [PCR], {"4": PCR}])
def test_azure_needs_measurement_and_registers(pcrs: Any) -> None:
    policy = policy_parse(_policy(AZURE))
    assert policy.entry_for("az-snp", {"measurement": MEASUREMENT, "pcrs": pcrs}) is not None


@pytest.mark.parametrize("pcrs", [[], {}, None, ["00" * 32] * 24, {"5": PCR}, [PCR]])
def test_other_registers_are_not_recognised(pcrs: Any) -> None:
    policy = policy_parse(_policy(AZURE))
    assert policy.entry_for("az-snp", {"measurement": MEASUREMENT, "pcrs": pcrs}) is None


def test_the_default_recognises_nothing() -> None:
    assert Policy().entry_for("snp", {"measurement": ""}) is None


def test_without_a_version_the_digest_names_the_policy() -> None:
    data = json.dumps({"schema": 1, "entries": []}).encode()
    assert len(policy_parse(data).version) == 64


def _without(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != name}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        _policy(BARE, schema=2),
        _policy(BARE, schema=True),
        _policy(BARE, version=1),
        _policy(BARE, version="x" * 65),
        _policy(BARE, more=1),
        _policy(BARE, entries={}),
        _policy("x"),
        _policy({**BARE, "more": 1}),
        _policy({**BARE, "platform": "gcp-snp"}),
        _policy({**BARE, "platform": "tdx"}),
        _policy({**BARE, "measurement": "AB" * 48}),
        _policy({**BARE, "measurement": "ab" * 32}),
        _policy({**BARE, "name": " "}),
        _policy({**BARE, "isolates_build": "yes"}),
        _policy({**BARE, "pcrs": {"4": PCR}}),
        _policy(_without(BARE, "pinned_by")),
        _policy(_without(AZURE, "pcrs")),
        _policy({**AZURE, "pcrs": []}),
        _policy({**AZURE, "pcrs": {"24": PCR}}),
        _policy({**AZURE, "pcrs": {"04": PCR}}),
        _policy({**AZURE, "pcrs": {"4": "00"}}),
        b'{"schema": 1, "entries": [], "entries": []}',
    ],
)
def test_an_unclear_policy_is_refused(data: bytes) -> None:
    with pytest.raises(PolicyError):
        policy_parse(data)


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=8))
def test_any_json_is_a_policy_or_a_policy_error(value: Any) -> None:
    for data in (json.dumps(value).encode(), _policy({**AZURE, "pcrs": value}), _policy({**BARE, "isolates_build": value})):
        try:
            policy = policy_parse(data)
        except PolicyError:
            continue
        assert isinstance(policy, Policy)
