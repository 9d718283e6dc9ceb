import base64
import hashlib

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kettle_web.builds.models import Build
from kettle_web.history.artifacts import selectors
from kettle_web.verifications.models import BuildIndex
from tests.accounts.people import person_make
from tests.history.world import confirmed, judged
from tests.queries import queries_of
from tests.verifications.bundles import HELLO

pytestmark = pytest.mark.django_db
SHA256 = hashlib.sha256(HELLO).hexdigest()
PATH = f"/artifacts/sha256/{SHA256}"


@pytest.fixture
def ada():
    return person_make("ada")


@pytest.fixture
def grace():
    return person_make("grace")


def _client(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _page(user, path=PATH):
    return _client(user).get(path).context["page"]


def test_every_build_that_produced_these_bytes(ada):
    builds = [judged(ada), judged(ada), judged(ada, subjects={"other": b"other"})]
    page = _page(ada)
    assert [row.build.uid for row in page.rows] == [builds[1].uid, builds[0].uid]
    assert (page.names, page.count) == (("hello",), 2)
    download = _client(ada).get(page.rows[0].download_url)
    assert (download.status_code, download["Content-Length"]) == (200, str(len(HELLO)))
    download.close()


@pytest.mark.parametrize(
    "spelled",
    [
        SHA256.upper(),
        f"sha256:{SHA256}",
        base64.b64encode(bytes.fromhex(SHA256)).decode(),
        base64.urlsafe_b64encode(bytes.fromhex(SHA256)).decode().rstrip("="),
        "sha256-" + base64.b64encode(bytes.fromhex(SHA256)).decode(),
    ],
)
def test_any_spelling_leads_to_the_one_address(ada, spelled):
    assert _client(ada).get("/artifacts/", {"digest": spelled})["Location"] == PATH


def test_upper_case_in_the_address_leads_on(ada):
    assert _client(ada).get(f"/artifacts/sha256/{SHA256.upper()}")["Location"] == PATH


@pytest.mark.parametrize("wrong", ["hello", "ab" * 20, "sha512:" + "ab" * 64, "x" * 500])
def test_what_is_no_sha256_is_said(ada, wrong):
    answer = _client(ada).get("/artifacts/", {"digest": wrong})
    assert answer.status_code == 422
    assert b"This is no SHA-256" in answer.content
    assert _client(ada).get(f"/artifacts/sha256/{wrong[:80]}").status_code == 404


def test_stranger_sees_what_nobody_knows(ada, grace):
    judged(ada)
    known, unknown = (_client(grace).get(f"/artifacts/sha256/{digest}").content.decode() for digest in (SHA256, "00" * 32))
    assert "No build that you may see knows this file" in known
    assert "hello" not in known
    assert (SHA256 in known, "00" * 32 in unknown) == (True, True)


def test_other_peoples_builds_are_in_no_count(ada, grace):
    for number, owner in enumerate((ada, grace, grace)):
        confirmed(judged(owner), chip=f"{number:02}" * 64)
    page = _page(ada)
    assert (page.count, page.independent) == (1, 1)


def test_confirmed_builds_of_distinct_chips_reproduce(ada):
    for number in range(3):
        confirmed(judged(ada), chip=f"{number:02}" * 64)
    assert _page(ada).independent == 3
    assert "Reproduced by 3 independent builds" in _client(ada).get(PATH).content.decode()


@pytest.mark.parametrize("what", ["verdict", "chip", "no chip", "evidence", "seeded"])
def test_builds_that_are_not_independent_reproduce_nothing(ada, what):
    first, second = (confirmed(judged(ada), chip=f"{number:02}" * 64) for number in range(2))
    index = BuildIndex.objects.filter(pk=second.pk)
    if what == "verdict":
        Build.objects.filter(pk=second.pk).update(verdict="unpinned")
    elif what == "evidence":
        Build.objects.filter(pk=second.pk).update(evidence_sha256=first.evidence_sha256)
    else:
        index.update(**{"chip": {"chip_id": "00" * 64}, "no chip": {"chip_id": ""}, "seeded": {"is_seeded": True}}[what])
    text = _client(ada).get(PATH).content.decode()
    assert _page(ada).independent == 1
    assert "Reproduced by" not in text
    assert "not shown as reproduced" in text


def test_builds_that_name_the_digest_otherwise(ada):
    build = judged(ada)
    index = BuildIndex.objects.get(pk=build.pk)
    serde = hashlib.sha256(b"serde@1.0.228").hexdigest()
    roles = {
        build.result_sha256: "its result tarball",
        build.provenance_sha256: "its provenance.json",
        build.evidence_sha256: "its evidence.json",
        index.lockfile_sha256: "its lockfile",
        index.merkle_root: "the root over its inputs",
        serde: "its dependency serde 1.0.228",
    }
    for digest, role in roles.items():
        page = _page(ada, f"/artifacts/sha256/{digest}")
        assert [(row.build.uid, row.roles) for row in page.naming] == [(build.uid, (role,))]
        assert page.rows == ()


def test_stranger_learns_of_no_name(ada, grace):
    build = judged(ada)
    for digest in (build.provenance_sha256, hashlib.sha256(b"serde@1.0.228").hexdigest()):
        assert _page(grace, f"/artifacts/sha256/{digest}").naming == ()


def test_page_goes_on_by_key(ada, monkeypatch):
    monkeypatch.setattr(selectors, "PAGE_ROWS", 2)
    builds = [judged(ada) for _ in range(5)]
    seen, url = [], PATH
    while url:
        page = _page(ada, url)
        seen += [row.build.uid for row in page.rows]
        url = page.older_url
    assert seen == [build.uid for build in reversed(builds)]


def test_no_question_looks_through_all_builds_of_a_person(ada):
    judged(ada)
    client = _client(ada)
    with CaptureQueriesContext(connection) as queries:
        client.get(PATH)
        client.get("/builds/", {"q": SHA256})
        client.get("/builds/", {"q": "word"})
    asked = [query["sql"] for query in queries]
    of_documents = [sql for sql in asked if '"result_sha256" = ' in sql]
    of_running = [sql for sql in asked if '"state" = ' in sql]
    assert of_documents
    assert of_running
    # With the owner beside them databases take the index of owners, and read each of their builds.
    assert not [sql for sql in (*of_documents, *of_running) if '"owner_id" = ' in sql]


def test_queries_do_not_grow_with_builds(ada):
    client = _client(ada)
    judged(ada)
    client.get(PATH)
    few = queries_of(lambda: client.get(PATH))
    for _ in range(5):
        judged(ada)
    assert queries_of(lambda: client.get(PATH)) == few
    assert few <= 14
