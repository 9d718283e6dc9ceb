from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.strict_json import DEPTH_LIMIT, json_parse


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "json.empty"),
        (b" \n", "json.empty"),
        (b"\xef\xbb\xbf{}", "json.byte-order-mark"),
        ('{"a": 1}'.encode("utf-16"), "json.not-utf8"),
        ('{"a": 1}'.encode("utf-16-le"), "json.malformed"),
        (b'{"a": "\xff"}', "json.not-utf8"),
        (b'{"a": 1, "a": 2}', "json.doubled-name"),
        (b'{"a": 1, "\\u0061": 2}', "json.doubled-name"),
        (b'{"a": NaN}', "json.not-a-number"),
        (b'{"a": -Infinity}', "json.not-a-number"),
        (b'{"a": 1e999}', "json.not-a-number"),
        (b'{"a": "\\ud800"}', "json.lone-surrogate"),
        (b'{"\\udfff": 1}', "json.lone-surrogate"),
        (b'{"a": "\\u0000"}', "json.nul"),
        (b'{"a\\u0000": 1}', "json.nul"),
        (b'{"a": 1} x', "json.malformed"),
        (b"{'a': 1}", "json.malformed"),
        (b"1" * 5000, "json.malformed"),
        (b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1), "json.too-deep"),
        (b"[" * 100_000, "json.too-deep"),
        (b" " * 60 + b"{}" + b" " * 60, "json.too-large"),
    ],
)
def test_what_two_readers_could_understand_differently_is_refused(data: bytes, code: str) -> None:
    limit = 100 if code == "json.too-large" else 1_000_000
    with pytest.raises(ProvenanceError) as caught:
        json_parse(data, max_bytes=limit)
    assert caught.value.code == code


def test_nesting_up_to_the_limit_is_read() -> None:
    assert json_parse(b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT, max_bytes=1000)


def test_a_whole_surrogate_pair_is_read() -> None:
    assert json_parse(b'"\\ud83d\\ude00"', max_bytes=100) == "\U0001f600"


_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@given(_values)
def test_every_value_survives_the_round_trip(value: object) -> None:
    assert json_parse(json.dumps(value, ensure_ascii=False).encode(), max_bytes=1_000_000) == value


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_the_parse_error(data: bytes) -> None:
    with contextlib.suppress(ProvenanceError):
        json_parse(data, max_bytes=1000)


_members = st.lists(
    st.tuples(st.sampled_from(["a", "b:", ":", "", "\\u003a", "\\:"]), st.sampled_from(["1", '":"', '"x:y"', '{"a": ":"}', "[]"]))
)


@given(st.lists(_members, max_size=4), st.sampled_from([":", " : ", ":\n"]))
def test_a_name_is_refused_exactly_when_it_occurs_twice(objects: list[list[tuple[str, str]]], colon: str) -> None:
    """Whatever stands around it: colons in names and strings, escaped ones, white space."""
    escaped = [[(name.replace("\\:", "\\\\:"), value) for name, value in members] for members in objects]
    texts = ["{" + ",".join(f'"{name}"{colon}{value}' for name, value in members) + "}" for members in escaped]
    data = f"[{','.join(texts)}]".encode()
    names = [[json.loads(f'"{name}"') for name, _ in members] for members in escaped]
    doubled = any(len(set(one)) != len(one) for one in names)
    if not doubled:
        assert json_parse(data, max_bytes=1_000_000) == json.loads(data)
        return
    with pytest.raises(ProvenanceError) as caught:
        json_parse(data, max_bytes=1_000_000)
    assert caught.value.code == "json.doubled-name"
