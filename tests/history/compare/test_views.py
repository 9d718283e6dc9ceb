import json
from pathlib import Path

import jsonschema
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kettle_web.history.compare import lists
from kettle_web.provenance import diff_json
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make, result_make

pytestmark = pytest.mark.django_db
SCHEMA = json.loads((Path(diff_json.__file__).parent / "diff.schema.json").read_text())
NEXT_NONCE = iter(range(1, 255))


@pytest.fixture
def ada(client):
    ada = person_make("ada")
    client.force_login(ada)
    return ada


def _build(owner, *, label="", attested=True, **document):
    nonce = bytes([next(NEXT_NONCE)] * 16)
    made = result_make(nonce=nonce, attested=attested, **document)
    uri = document.get("uri", "https://example.org/hello.git")
    build = build_make(owner, tarball=made.tarball, nonce=nonce, repo_url=uri, label=label, attests=attested)
    report_create(build=build, now=timezone.now())
    build.refresh_from_db()
    return build


@pytest.fixture
def pair(ada):
    left = _build(ada, label="first", dependencies=[("serde", "1.0.1"), ("gone", "0.1.0"), ("kept", "2.0.0")])
    right = _build(
        ada, label="second", dependencies=[("serde", "1.0.2"), ("fresh", "0.1.0"), ("kept", "2.0.0")], subjects={"hello": b"other"}
    )
    return left, right


def _path(left, right, end=""):
    return f"/compare/{left.uid}/{right.uid}/{end}"


def _rows(block):
    return [(row.kind, row.name) for row in block.rows]


def test_page_shows_every_difference(client, pair):
    answer = client.get(_path(*pair))
    page = answer.context["page"]
    assert [line.line for line in page.lines] == ["different"]
    assert _rows(page.dependencies) == [("changed", "serde"), ("added", "fresh"), ("removed", "gone")]
    assert _rows(page.files) == [("changed", "hello")]
    html = answer.content.decode()
    for text in ("first", "second", "fresh", "gone", "1.0.1", "1.0.2", "1 more is the same on both sides"):
        assert text in html
    assert ">kept<" not in html


def test_choice_of_rows_is_in_the_address(client, pair):
    page = client.get(_path(*pair), {"show-dependencies": ["unchanged", "added", "junk"]}).context["page"]
    assert _rows(page.dependencies) == [("added", "fresh"), ("unchanged", "kept")]
    links = {found.kind: found.url for found in page.dependencies.filters}
    assert links["added"] == _path(*pair) + "?show-dependencies=unchanged#dependencies"
    assert links["changed"] == _path(*pair) + "?show-dependencies=changed&show-dependencies=added&show-dependencies=unchanged#dependencies"


def test_swapped_sides_exchange_what_came_and_what_went(client, pair):
    swap = client.get(_path(*pair), {"show-dependencies": "added"}).context["page"].swap_url
    assert swap == _path(*reversed(pair)) + "?show-dependencies=removed"
    assert _rows(client.get(swap).context["page"].dependencies) == [("removed", "fresh")]


def test_same_inputs_with_other_files_is_a_caution(client, ada):
    left, right = _build(ada), _build(ada, subjects={"hello": b"other"})
    html = client.get(_path(left, right)).content.decode()
    assert "Same inputs, different output" in html
    assert 'data-line="same-inputs-different-output"' in html


def test_same_build_of_the_same_source_is_identical_and_still_no_confirmation(client, ada):
    answer = client.get(_path(_build(ada), _build(ada)))
    assert "Identical" in answer.content.decode()
    assert "Not both builds are confirmed" in answer.content.decode()
    assert "note-confirmed" not in answer.content.decode()


def test_same_version_with_another_digest_is_an_alarm(client, pair, monkeypatch):
    left, right = pair
    row = right.reports.get()
    for item in row.document["provenance"]["dependencies"]:
        if item["name"] == "kept":
            item["digest"] = "sha256:" + "99" * 32
    row.save()
    answer = client.get(_path(left, right))
    assert "Same version, different digest" in answer.content.decode()
    assert [row.name for row in answer.context["page"].dependencies.rows if row.is_alarm] == ["kept"]
    assert 'class="compare-changed compare-alarm"' in answer.content.decode()


def test_build_without_evidence_is_compared_by_what_it_says(client, ada):
    page = client.get(_path(_build(ada), _build(ada, attested=False))).context["page"]
    image = next(group for group in page.groups if group.group == "image")
    measurement = next(row for row in image.different if row.name == "measurement")
    assert len(measurement.left.text) == 96
    assert measurement.right.text == ""


def test_build_that_was_not_judged_yet_says_so(client, ada):
    html = client.get(_path(_build(ada), build_make(ada))).content.decode()
    assert "has no provenance" in html
    assert "There is no report yet" in html


def test_json_is_what_its_schema_says_and_whole(client, pair):
    answer = client.get(_path(*pair, "compare.json"))
    document = json.loads(answer.content)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA)
    assert (document["left"]["build"], document["right"]["build"]) == (pair[0].uid, pair[1].uid)
    assert [pair["left"]["name"] for pair in document["dependencies"]["changed"]] == ["serde"]
    assert document["dependencies"]["unchanged_count"] == 1
    assert document["lines"] == ["different"]


def test_json_of_builds_without_reports_keeps_to_the_schema(client, ada):
    jsonschema.validate(client.get(_path(build_make(ada), build_make(ada), "compare.json")).json(), SCHEMA)


@pytest.mark.parametrize("end", ["", "compare.json"])
def test_either_build_of_someone_else_does_not_exist(client, pair, end):
    bob = person_make("bob")
    theirs = build_make(bob)
    for left, right in ((pair[0], theirs), (theirs, pair[0])):
        assert client.get(_path(left, right, end)).status_code == 404
    client.force_login(bob)
    assert client.get(_path(pair[0], theirs, end)).status_code == 404
    assert client.get(f"/compare/{theirs.uid}/0000000000000000/{end}").status_code == 404


def test_long_tables_come_in_pages_that_miss_nothing(client, ada, monkeypatch):
    monkeypatch.setattr(lists, "PAGE_ROWS", 2)
    many = [(f"package-{at}", "1.0.0") for at in range(5)]
    url = _path(_build(ada, dependencies=[]), _build(ada, dependencies=many))
    names = []
    while url:
        block = client.get(url).context["page"].dependencies
        names += [row.name for row in block.rows]
        url = block.next_url
    assert names == [name for name, _version in many]


@pytest.mark.parametrize("number", ["0", "x", "99", "9" * 40, "٣"])
def test_page_that_there_is_not_is_the_nearest(client, pair, number):
    assert client.get(_path(*pair), {"page-dependencies": number}).context["page"].dependencies.page == 1


def test_queries_do_not_grow_with_what_is_compared(client, ada, pair):
    large = _build(ada, dependencies=[(f"p{at}", "1.0.0") for at in range(200)])

    def count(left, right, end):
        with CaptureQueriesContext(connection) as queries:
            client.get(_path(left, right, end))
        return len(queries)

    count(*pair, "")
    assert count(*pair, "") == count(pair[0], large, "") <= 6
    assert count(*pair, "compare.json") == count(pair[0], large, "compare.json") <= 6


def test_hostile_names_are_text(client, ada):
    right = _build(ada, label="<script>alert(1)</script>", dependencies=[("<img src=x>\u202e", "1.0.0")])
    html = client.get(_path(_build(ada), right)).content.decode()
    assert "<img src=x" not in html
    assert "<script>alert" not in html
    assert "\u202e" not in html


def test_previous_is_the_judged_build_before_of_the_same_repository(client, ada):
    first = _build(ada)
    _build(ada, uri="https://example.org/another.git")
    build_make(ada)
    last = _build(ada)
    answer = client.get(f"/builds/{last.uid}/compare/previous/")
    assert answer["Location"] == _path(first, last)
    answer = client.get(f"/builds/{first.uid}/compare/previous/", follow=True)
    assert "There is no earlier judged build" in answer.content.decode()


def test_previous_build_of_someone_else_is_not_offered(client, ada):
    _build(person_make("bob"))
    mine = _build(ada)
    assert "/compare/?no-previous=1" in client.get(f"/builds/{mine.uid}/compare/previous/")["Location"]
    assert client.get(f"/builds/{mine.uid}/compare/").context["page"].candidates == ()


def test_choice_offers_the_repository_then_a_search_then_all(client, ada):
    first, other, last = _build(ada), _build(ada, uri="https://example.org/another.git", label="wanted"), _build(ada)
    build_make(ada)
    path = f"/builds/{first.uid}/compare/"

    def offered(**parameters):
        return [found.row.uid for found in client.get(path, parameters).context["page"].candidates]

    assert offered() == [last.uid]
    assert offered(all="1") == [last.uid, other.uid]
    assert offered(q="wanted") == [other.uid]
    assert client.get(path).context["page"].candidates[0].url == _path(first, last)
    assert client.get(path, headers={"HX-Request": "true"}).content.lstrip().startswith(b"<p")


def test_choice_goes_on_where_a_page_ended(client, ada, monkeypatch):
    monkeypatch.setattr("kettle_web.history.compare.selectors.CANDIDATES", 2)
    builds = [_build(ada) for _ in range(4)]
    url, seen = f"/builds/{builds[0].uid}/compare/", []
    while url:
        page = client.get(url).context["page"]
        seen += [found.row.uid for found in page.candidates]
        url = page.older_url
    assert seen == [build.uid for build in reversed(builds[1:])]


def test_comparison_takes_no_posts(client, pair):
    assert client.post(_path(*pair)).status_code == 405


def test_sizes_of_files_are_shown(client, pair):
    row = client.get(_path(*pair)).context["page"].files.rows[0]
    assert (row.left_size, row.right_size) == (14, 5)
