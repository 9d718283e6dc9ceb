import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from kettle_web.core.plots import MAX_BARS, Bar, bars_svg


def _rects(svg: str, kind: str = "plot-bar") -> list[ET.Element]:
    return [rect for rect in ET.fromstring(svg).iter("rect") if rect.get("class") == kind]


def test_heights_follow_the_values_and_the_largest_fills_the_picture() -> None:
    heights = [float(rect.get("height", "")) for rect in _rects(bars_svg([Bar(5, "a"), Bar(10, "b"), Bar(0, "c")], label="x", height=102))]
    assert heights == [50, 100, 0]


def test_small_value_can_still_be_seen() -> None:
    assert float(_rects(bars_svg([Bar(1, "a"), Bar(1e9, "b")], label="x"))[0].get("height", "")) == 2


def test_nothing_known_draws_nothing_and_says_so() -> None:
    svg = bars_svg([Bar(None, "not known"), Bar(-3, "odd")], label="x")
    assert [rect.get("height") for rect in _rects(svg)] == ["0.00", "0.00"]
    assert "<title>not known</title>" in svg


def test_no_bars_no_picture() -> None:
    assert bars_svg([], label="x") == ""


def test_picture_with_links_is_a_group_of_them() -> None:
    assert ET.fromstring(bars_svg([Bar(1, "a")], label="x")).get("role") == "img"
    linked = ET.fromstring(bars_svg([Bar(1, "a", url="/b/?q=1&c=2")], label="x"))
    assert linked.get("role") == "group"
    assert [(a.get("href"), a.get("aria-label")) for a in linked.iter("a")] == [("/b/?q=1&c=2", "a")]


def test_part_is_drawn_over_its_bar() -> None:
    svg = bars_svg([Bar(10, "a", part=5)], label="x", height=102)
    assert [rect.get("height") for rect in _rects(svg, "plot-bar plot-second")] == ["50.00"]


def test_too_many_bars_show_the_last() -> None:
    svg = bars_svg([Bar(1, f"bar {n}") for n in range(MAX_BARS + 5)], label="x")
    assert len(_rects(svg)) == MAX_BARS
    assert "bar 4<" not in svg
    assert f"bar {MAX_BARS + 4}<" in svg


@given(st.lists(st.tuples(st.floats(-1, 1e12) | st.none(), st.text(st.characters(codec="utf-8", min_codepoint=32)))), st.text("<>&\"'x"))
def test_any_texts_and_values_stay_well_formed(values: list[tuple[float | None, str]], label: str) -> None:
    svg = bars_svg([Bar(value, text, url="/x") for value, text in values], label=label)
    if values:
        root = ET.fromstring(svg.encode("utf-8", "ignore"))
        assert root.get("aria-label") == label
        assert all(0 <= float(rect.get("y", "")) <= 96 for rect in root.iter("rect"))
