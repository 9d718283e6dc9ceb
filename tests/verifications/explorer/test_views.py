import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.core.blobs import blob_read, blob_write_bytes
from kettle_web.provenance.proof import proof_check, proof_parse
from kettle_web.verifications.explorer import tree
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import HELLO, build_make, result_make

pytestmark = pytest.mark.django_db
PAGES = ("", "inputs/", "proof/", "evidence/", "raw/provenance.json", "raw/evidence.json")


@pytest.fixture
def ada(client):
    ada = person_make("ada")
    client.force_login(ada)
    return ada


def _build(owner, **document):
    build = build_make(owner, tarball=result_make(**document).tarball)
    report_create(build=build, now=timezone.now())
    build.refresh_from_db()
    return build


@pytest.fixture
def build(ada):
    return _build(ada, dependencies=[("serde", "1.0.228"), ("syn", "2.0.1"), ("syn", "1.0.99"), ("zeta", "0.1.0")])


def _explore(build, end=""):
    return f"/builds/{build.uid}/explore/{end}"


@pytest.mark.parametrize("end", PAGES)
def test_every_page_shows_and_stays_shut_for_strangers(client, build, end):
    assert client.get(_explore(build, end)).status_code == 200
    client.force_login(person_make("bob"))
    assert client.get(_explore(build, end)).status_code == 404


@pytest.mark.parametrize("end", PAGES[:4])
def test_build_without_documents_says_so(client, ada, end):
    answer = client.get(_explore(build_make(ada), end))
    assert answer.status_code == 200
    assert b"Traceback" not in answer.content


def test_picture_has_each_link_with_word_and_shape(client, build):
    page = client.get(_explore(build)).context["page"]
    html = client.get(_explore(build)).content.decode()
    assert len(page.picture.boxes) == len(page.chain) > 6
    assert html.count('class="chain-disc"') == len(page.chain)
    assert 'role="img"' in html
    heights = [box.middle for box in page.picture.boxes]
    assert heights == sorted(heights)
    assert page.picture.boxes[-1].line_to == 0


def test_broken_link_breaks_the_line(client, ada):
    build = _build(ada, artifacts={"hello": b"something else"})
    page = client.get(_explore(build)).context["page"]
    assert [box.link.link for box in page.picture.boxes if box.link.is_broken] == ["artifacts"]
    assert "chain-fail" in client.get(_explore(build)).content.decode()


def _names(client, build, **parameters):
    return [row.item.name for row in client.get(_explore(build, "inputs/"), parameters).context["page"].table.rows if row.item.name]


def test_inputs_are_searched_sorted_and_cut_by_the_address(client, build, monkeypatch):
    assert _names(client, build)[-4:] == ["serde", "syn", "syn", "zeta"]
    assert _names(client, build, q="SYN") == ["syn", "syn"]
    assert _names(client, build, q="nothing") == []
    table = client.get(_explore(build, "inputs/"), {"q": "syn", "sort": "version"}).context["page"].table
    assert [row.item.version for row in table.rows] == ["1.0.99", "2.0.1"]
    assert table.headings["version"].url == _explore(build, "inputs/") + "?q=syn&sort=-version"
    assert (table.headings["version"].direction, table.headings["name"].direction) == ("ascending", "")
    monkeypatch.setattr("kettle_web.verifications.explorer.inputs.PAGE_ROWS", 3)
    url, seen = _explore(build, "inputs/"), []
    while url:
        table = client.get(url).context["page"].table
        seen += [row.item.index for row in table.rows]
        url = table.next_url
    assert seen == list(range(11))


@pytest.mark.parametrize("parameters", [{"page": "0"}, {"page": "x"}, {"page": "9" * 40}, {"sort": "nonsense"}])
def test_senseless_choice_is_ignored(client, build, parameters):
    assert client.get(_explore(build, "inputs/"), parameters).status_code == 200


def test_htmx_gets_the_table_of_the_same_address(client, build):
    answer = client.get(_explore(build, "inputs/"), {"q": "syn"}, headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert b"syn" in answer.content
    assert "HX-Request" in answer["Vary"]


def test_every_proof_that_is_offered_holds_for_the_stated_root(client, build):
    table = client.get(_explore(build, "inputs/")).context["page"].table
    for row in table.rows:
        answer = client.get(_explore(build, f"inputs/{row.item.index}/proof.json"))
        assert answer["Content-Disposition"].startswith("attachment")
        proof = proof_parse(answer.content)
        proof_check(proof, root=bytes.fromhex(table.root))
        assert proof.entry == row.item.entry
    assert client.get(_explore(build, "inputs/11/proof.json")).status_code == 404


def test_proof_is_checked_by_file_and_by_text(client, build):
    data = client.get(_explore(build, "inputs/7/proof.json")).content
    answer = client.post(_explore(build, "proof/"), {"proof": SimpleUploadedFile("p.json", data)})
    assert answer.context["page"].result.outcome == "pass"
    assert "The proof holds" in answer.content.decode()
    assert client.post(_explore(build, "proof/"), {"text": data.decode()}).context["page"].result.outcome == "pass"
    assert f"--check proof.json --root {answer.context['page'].root}" in answer.content.decode()


def test_changed_proof_does_not_hold(client, build):
    document = json.loads(client.get(_explore(build, "inputs/7/proof.json")).content)
    for field, value in (("entry", "pkg:cargo/evil@6.6.6"), ("index", 8), ("siblings", document["siblings"][:-1]), ("root", "00" * 32)):
        answer = client.post(_explore(build, "proof/"), {"text": json.dumps(document | {field: value})})
        assert answer.context["page"].result.outcome == "fail", field
        assert answer.status_code == 200


def test_proof_of_another_build_is_not_of_this_one(client, ada, build):
    other = _build(ada, dependencies=[("only", "1.0.0")])
    data = client.get(_explore(other, "inputs/7/proof.json")).content.decode()
    result = client.post(_explore(build, "proof/"), {"text": data}).context["page"].result
    assert (result.outcome, result.is_this_root) == ("fail", False)
    assert "another root" in result.text


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "x" * 300_000, '{"format": "<script>"}'])
def test_what_is_no_proof_could_not_be_checked(client, build, text):
    answer = client.post(_explore(build, "proof/"), {"text": text})
    assert answer.status_code == 422
    assert answer.context["page"].result.outcome == "error"
    assert b"<script>" not in answer.content


def test_document_with_a_wrong_root_offers_no_proof(client, build):
    data = json.loads(blob_read(build.provenance_sha256, 10**6))
    data["predicate"]["runDetails"]["byproducts"][0]["digest"]["sha256"] = "00" * 32
    Build.objects.filter(pk=build.pk).update(provenance_sha256=blob_write_bytes(json.dumps(data).encode()).sha256_hex)
    html = client.get(_explore(build, "inputs/")).content.decode()
    assert "no proof can be made" in html
    assert "proof.json" not in html
    assert client.get(_explore(build, "inputs/7/proof.json")).status_code == 404


def test_evidence_is_shown_field_by_field(client, build):
    page = client.get(_explore(build, "evidence/")).context["page"]
    html = client.get(_explore(build, "evidence/"), {"part": "vcek"}).content.decode()
    assert "AMD 56860, ATTESTATION_REPORT" in html
    assert "report_data" in html
    assert 'id="part-vcek" open' in html
    for block in page.layouts:
        assert sum(row.field.size for row in block.rows) == len(block.layout.data)


def test_evidence_that_cannot_be_read_says_why(client, build):
    Build.objects.filter(pk=build.pk).update(evidence_sha256=blob_write_bytes(b"{}").sha256_hex)
    assert "no platform tag" in client.get(_explore(build, "evidence/")).content.decode()


def test_document_folds_and_parts_have_an_address(client, build):
    html = client.get(_explore(build, "raw/provenance.json")).content.decode()
    assert "predicateType" in html
    part = client.get(_explore(build, "raw/provenance.json"), {"at": "/predicate/buildDefinition/resolvedDependencies/0/name"})
    assert part.context["tree"].node.text == "serde"
    assert client.get(_explore(build, "raw/provenance.json"), {"at": "/nowhere"}).status_code == 404
    assert client.get(_explore(build, "raw/secret-key")).status_code == 404


HOSTILE = {
    "flat": b'{"a": [' + b"0," * 3_000_000 + b"0]}",
    "long text": b'{"a": "' + b"<b>" * 5_000_000 + b'"}',
    "deep": b"[" * 60 + b"]" * 60,
    "many names": b"{" + b",".join(b'"%d":{"x":[1]}' % at for at in range(200_000)) + b"}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_document_makes_a_small_page(client, build, name):
    """16 MB of JSON must not freeze the browser: the page is bounded, whatever is in it."""
    Build.objects.filter(pk=build.pk).update(provenance_sha256=blob_write_bytes(HOSTILE[name]).sha256_hex)
    answer = client.get(_explore(build, "raw/provenance.json"))
    assert answer.status_code == 200
    assert len(answer.content) < 1_500_000
    assert b"<b><b>" not in answer.content


def test_every_child_of_a_long_list_is_reached(client, build):
    data = json.dumps(list(range(450))).encode()
    seen, first = [], 0
    while True:
        node = tree.tree_of(data, pointer="", first=first).node
        seen += [int(child.text) for child in node.children]
        if not node.left_out:
            break
        first = node.next_from
    assert seen == list(range(450))


@pytest.mark.parametrize("data", [b"", b"\xff", b"[1", b'{"a":1,"a":2}'])
def test_what_is_no_json_is_shown_by_its_beginning(data):
    found = tree.tree_of(data, pointer="", first=0)
    assert found.node is None
    assert found.fault


def test_tables_are_whole(client, build):
    def rows(name):
        return json.loads(client.get(f"/builds/{build.uid}/tables/{name}.json").getvalue())["rows"]

    assert [row["name"] for row in rows("dependencies")] == ["serde", "syn", "syn", "zeta"]
    assert [row["index"] for row in rows("inputs")] == list(range(11))
    assert [(row["name"], row["size"], row["outcome"]) for row in rows("artifacts")] == [("hello", len(HELLO), "pass")]
    assert {row["outcome"] for row in rows("checks")} >= {"pass"}
    assert client.get(f"/builds/{build.uid}/tables/dependencies.csv").getvalue().startswith(b"ecosystem,name,version")
    for wrong in ("secrets.csv", "checks.xlsx"):
        assert client.get(f"/builds/{build.uid}/tables/{wrong}").status_code == 404


def test_bills_of_materials_name_build_and_verdict(client, build):
    for kind in ("cdx", "spdx"):
        answer = client.get(f"/builds/{build.uid}/sbom.{kind}.json")
        assert answer["Content-Disposition"].startswith("attachment")
        for text in ("serde", "not a scan", "simulated", build.provenance_sha256):
            assert text in answer.content.decode()
        assert answer.content == client.get(f"/builds/{build.uid}/sbom.{kind}.json").content


def test_bundle_has_the_stored_bytes_and_safe_names(client, ada):
    build = _build(ada, subjects={"a/hello": HELLO, "hello": b"other"})
    data = client.get(f"/builds/{build.uid}/bundle.zip").getvalue()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[:2] == ["provenance.json", "evidence.json"]
        assert all(".." not in name and not name.startswith("/") for name in names)
        assert len({name.casefold() for name in names}) == len(names)
        assert archive.read("provenance.json") == blob_read(build.provenance_sha256, 10**6)
    assert client.get(f"/builds/{build.uid}/bundle.zip").getvalue() == data


def test_bundle_of_a_build_without_documents_does_not_exist(client, ada):
    assert client.get(f"/builds/{build_make(ada).uid}/bundle.zip").status_code == 404


@pytest.mark.parametrize("end", PAGES)
def test_queries_do_not_grow(client, ada, build, end):
    large = _build(ada, dependencies=[(f"p{at}", "1.0.0") for at in range(150)])

    def count(of):
        with CaptureQueriesContext(connection) as queries:
            client.get(_explore(of, end))
        return len(queries)

    count(build)
    assert count(build) == count(large) <= 5


def test_long_table_of_inputs_is_cut_before_it_is_drawn(client, ada):
    answer = client.get(_explore(_build(ada, dependencies=[(f"p{at}", "1.0.0") for at in range(400)]), "inputs/"))
    assert (len(answer.context["page"].table.rows), answer.context["page"].table.total) == (100, 407)
