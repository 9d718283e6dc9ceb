import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.history.dependencies.versions import ANY, SpecError, Version, is_ordered, semver_key, sort_key, spec_parse

# semver.org 2.0.0, section 11.
SEMVER = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"]
PIECES = ["5.4", "5.4.1", "5.6.0beta", "5.6", "5.6.1", "5.10", "2024.1"]


@pytest.mark.parametrize("ordered", [SEMVER, [*SEMVER, "1.0.1", "1.2.0", "1.10.0", "2.0.0"], PIECES])
def test_versions_are_in_order(ordered):
    versions = [Version(text) for text in ordered]
    assert all(low < high for at, low in enumerate(versions) for high in versions[at + 1 :])


@pytest.mark.parametrize(("one", "other"), [("1.0.0", "1.0.0+build.5"), ("5.6", "5.6.0"), ("1", "1.0.0")])
def test_versions_that_are_the_same(one, other):
    assert Version(one) == Version(other)


@pytest.mark.parametrize("text", ["1.0", "01.0.0", "1.0.0.0", "v1.0.0", "", "1.0.0-", "1.0.0-ä"])
def test_what_is_no_semantic_version(text):
    assert semver_key(text) is None
    assert not is_ordered("cargo", text)


def test_order_is_known_only_where_the_ecosystem_says_so():
    assert is_ordered("npm", "1.0.0")
    assert not is_ordered("nix", "1.0.0")


@pytest.mark.parametrize(
    ("spec", "inside", "outside"),
    [
        (">=5.6.0,<5.6.2", ["5.6.0", "5.6.1", "5.6.2-rc.1"], ["5.4.6", "5.6.2", "5.6.0-alpha"]),
        (">= 5.6.0 < 5.6.2", ["5.6.0", "5.6.1"], ["5.6.2"]),
        ("5.6.0 or 5.6.1", ["5.6.0", "5.6.1"], ["5.6.2", "5.6"[:1]]),
        ("5.6.0, 5.6.1", ["5.6.0", "5.6.1"], ["5.6.2"]),
        ("5.6.0 || >=6", ["5.6.0", "6.0.0", "7.1.0"], ["5.6.1"]),
        ("=1.2.3", ["1.2.3", "1.2.3+x"], ["1.2.4"]),
        ("!=1.2.3", ["1.2.4"], ["1.2.3"]),
        (">=1,!=1.2.3,<2", ["1.2.2", "1.2.4"], ["1.2.3", "2.0.0"]),
        ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0", "2.0.0-rc.1"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0", "1.3.0-rc.1"]),
        ("~1", ["1.0.0", "1.9.9"], ["2.0.0"]),
        ("1.2.*", ["1.2.0", "1.2.99"], ["1.3.0", "1.1.9"]),
        ("", ["anything"], []),
        ("*", ["anything", ""], []),
        ("<=2024.1", ["2023.12"], ["2024.2"]),
        ("unstable-2024-01-01", ["unstable-2024-01-01"], ["unstable-2024-01-02"]),
    ],
)
def test_ranges(spec, inside, outside):
    parsed = spec_parse(spec)
    assert {text: parsed.holds(text) for text in [*inside, *outside]} == {**dict.fromkeys(inside, True), **dict.fromkeys(outside, False)}


@pytest.mark.parametrize(
    "text", [">=", "<>1", "5.6.0 and 5.6.1 (bad)", "^x", "1.*.2", ">=1.*", "\u00b7", ">=1 ! 2", "1 or", ",".join([">1"] * 50)]
)
def test_what_is_no_range_is_refused(text):
    with pytest.raises(SpecError):
        spec_parse(text)


@pytest.mark.parametrize("text", ["5.6.0 || 5.6.1", ">=5.6.0,<5.6.2", "1.2.3"])
def test_range_reads_again_as_it_is_written(text):
    assert spec_parse(str(spec_parse(text))) == spec_parse(text)


def test_exact_versions_are_named():
    assert spec_parse("5.6.0, 5.6.1").exact == ("5.6.0", "5.6.1")
    assert spec_parse(">=5.6.0").exact == ANY.exact == ()


@given(st.text(max_size=60))
def test_any_text_is_a_range_or_refused_and_any_version_is_judged(text):
    try:
        parsed = spec_parse(text)
    except SpecError:
        return
    assert parsed.holds("1.2.3") in (True, False)
    assert parsed.holds(text) in (True, False)


@given(st.lists(st.text("0123456789.abrcd-+", max_size=12), min_size=3, max_size=3))
def test_order_of_a_list_is_total(texts):
    first, second, third = sorted(texts, key=sort_key)
    assert sort_key(first) <= sort_key(second) <= sort_key(third)
    assert sorted([third, first, second], key=sort_key) == [first, second, third]


@given(st.tuples(*[st.integers(0, 99)] * 3), st.tuples(*[st.integers(0, 99)] * 3))
def test_releases_are_ordered_by_their_numbers(one, other):
    left, right = (".".join(map(str, numbers)) for numbers in (one, other))
    assert (Version(left) < Version(right)) is (one < other)
