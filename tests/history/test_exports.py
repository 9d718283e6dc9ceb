import csv
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kettle_web.history import exports
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    ada = person_make("ada")
    client.force_login(ada)
    return ada


def _json(client, **parameters):
    return json.loads(client.get("/builds/table.json", parameters).getvalue())


def test_file_has_every_page_of_the_same_search(client, ada, monkeypatch):
    monkeypatch.setattr(exports, "BATCH_ROWS", 2)
    builds = [build_make(ada, label="wanted" if at % 2 else "=other") for at in range(7)]
    found = _json(client, q="wanted")
    assert [row["build"] for row in found["rows"]] == [build.uid for build in reversed(builds) if build.label == "wanted"]
    assert found["about"] == {"query": "q=wanted"}
    assert len(_json(client)["rows"]) == 7
    assert len(_json(client, state="done")["rows"]) == 0


def test_spreadsheet_gets_the_columns_and_no_formula(client, ada):
    build = build_make(ada, label="=HYPERLINK(1)")
    rows = list(csv.DictReader(io.StringIO(client.get("/builds/table.csv").getvalue().decode(), newline="")))
    assert [(row["build"], row["label"]) for row in rows] == [(build.uid, "'=HYPERLINK(1)")]
    assert tuple(rows[0]) == exports.HISTORY_COLUMNS


def test_stranger_gets_an_empty_table(client, ada):
    build_make(ada)
    client.force_login(person_make("bob"))
    assert _json(client)["rows"] == []


def test_queries_grow_by_one_for_a_batch(client, ada):
    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get("/builds/table.csv").getvalue()
        return len(queries)

    build_make(ada)
    count()
    few = count()
    for _ in range(20):
        build_make(ada)
    assert count() == few


def test_unknown_form_does_not_exist(client, ada):
    assert client.get("/builds/table.xlsx").status_code == 404
