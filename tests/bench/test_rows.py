"""The figures of a measurement, for people and for a machine."""

from tests.bench.rows import Row, document, table

LATENCY = Row("line to browser", "ms", tuple(float(n) for n in range(1, 101)), 97.0, reference=48.0, reference_name="curl", percentile=95.0)


def test_document_has_every_figure_with_its_reference_and_ratio() -> None:
    figure = document([LATENCY])["line to browser"]
    assert {name: figure[name] for name in ("value", "unit", "reference", "ratio", "target", "met")} == {
        "value": 96.0,
        "unit": "ms",
        "reference": 48.0,
        "ratio": 2.0,
        "target": 97.0,
        "met": True,
    }


def test_promise_without_a_percentile_is_about_the_worst_run() -> None:
    assert Row("start", "s", (1.0, 2.0, 4.0), 3.0).is_met is False
    assert Row("replay", "lines/s", (9.0, 11.0), 10.0, at_least=True).is_met is False
    assert Row("replay", "lines/s", (10.0, 11.0), 10.0, at_least=True).is_met is True
    assert Row("size", "B", (1.0,)).is_met is None


def test_ratio_without_a_reference_is_there_only_for_what_is_a_ratio() -> None:
    assert Row("verifier / cryptography", "×", (1.5,)).ratio == 1.5
    assert Row("start", "s", (1.5,)).ratio is None


def test_table_says_what_was_missed() -> None:
    assert "MISSED" in table([Row("start", "s", (4.0,), 3.0)])
    assert "kept" in table([LATENCY])
