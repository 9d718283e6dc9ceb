import asyncio
import csv
import io
import json
from datetime import datetime, timedelta, timezone

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.core.tables import csv_cell, csv_pieces, json_pieces, table_response

COLUMNS = ("name", "count")


def _csv(rows, cap=1000):
    return list(csv.reader(io.StringIO(b"".join(csv_pieces(COLUMNS, rows, cap)).decode(), newline="")))


def _json(rows, cap=1000):
    return json.loads(b"".join(json_pieces("things", COLUMNS, rows, cap, {"of": "one"})))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("=1+1", "'=1+1"),
        ("@scope/name", "'@scope/name"),
        ("-2", "'-2"),
        ("+49", "'+49"),
        ("＝cmd", "'＝cmd"),
        (" =1+1", "' =1+1"),
        ("\t=1+1", "⟨U+0009⟩=1+1"),
        ("\r=1", "⟨U+000D⟩=1"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        (-2, "-2"),
        (1.5, "1.5"),
        (True, "true"),
        (None, ""),
        (datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T10:00:00Z"),
        ("plain", "plain"),
    ],
)
def test_cell_is_safe_in_a_spreadsheet(cell, text):
    assert csv_cell(cell) == text


@given(st.text())
def test_no_text_begins_a_formula(text):
    assert not csv_cell(text).lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.integers())))
def test_json_holds_every_row_exactly(rows):
    found = _json(rows)
    assert [(row["name"], row["count"]) for row in found["rows"]] == rows
    assert (found["count"], found["is_capped"], found["columns"], found["about"]) == (len(rows), False, list(COLUMNS), {"of": "one"})


@given(st.lists(st.tuples(st.text(), st.integers())))
def test_csv_has_one_full_line_for_every_row(rows):
    found = _csv(rows)
    assert found[0] == list(COLUMNS)
    assert [len(row) for row in found[1:]] == [2] * len(rows)


@pytest.mark.parametrize("many", [499, 500, 501, 1000, 1001])
def test_rows_are_whole_around_the_size_of_a_chunk(many):
    rows = [(f"n{at}", at) for at in range(many)]
    assert [int(row[1]) for row in _csv(rows, many)[1:]] == list(range(many))
    assert [row["count"] for row in _json(rows, many)["rows"]] == list(range(many))


@pytest.mark.parametrize("cap", [0, 2, 500])
def test_table_that_is_cut_says_so_in_the_file(cap):
    rows = [("x", at) for at in range(cap + 1)]
    found = _csv(rows, cap)
    assert len(found) == cap + 2
    assert len(found[-1]) == 1
    assert f"more than {cap} rows" in found[-1][0]
    assert (_json(rows, cap)["count"], _json(rows, cap)["is_capped"]) == (cap, True)


def test_nothing_is_read_beyond_the_cap():
    taken = []

    def rows():
        for at in range(10_000):
            taken.append(at)
            yield ("x", at)

    b"".join(csv_pieces(COLUMNS, rows(), 700))
    assert len(taken) == 701


def test_rows_go_out_before_the_last_was_read():
    taken = []
    pieces = csv_pieces(COLUMNS, (taken.append(at) or ("x", at) for at in range(5000)), 5000)
    next(pieces)
    assert len(taken) == 500


def test_answer_is_an_attachment_that_nothing_keeps():
    answer = table_response(RequestFactory().get("/"), form="csv", name="../dependencies of\r\nx", columns=COLUMNS, rows=[("a", 1)])
    assert answer.getvalue() == b"name,count\r\na,1\r\n"
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "\n" not in answer["Content-Disposition"]
    assert answer["Cache-Control"] == "private, no-store"
    assert "sandbox" in answer["Content-Security-Policy"]


def test_head_reads_no_row():
    answer = table_response(RequestFactory().head("/"), form="json", name="x", columns=COLUMNS, rows=(1 / 0 for _ in "x"))
    assert answer.content == b""


def test_other_forms_do_not_exist():
    with pytest.raises(Http404):
        table_response(RequestFactory().get("/"), form="xlsx", name="x", columns=COLUMNS, rows=[])


def test_asynchronous_server_gets_pieces_as_they_are_made():
    request = ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": []}, io.BytesIO())
    answer = table_response(request, form="json", name="x", columns=COLUMNS, rows=[("a", at) for at in range(1200)])

    async def read():
        return [piece async for piece in answer]

    pieces = asyncio.run(read())
    assert len(pieces) > 3
    assert json.loads(b"".join(pieces))["count"] == 1200
