import base64
import hashlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kettle_web.builds.states import State
from kettle_web.history import selectors
from kettle_web.verifications.rebuild import build_index
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make, result_make

pytestmark = pytest.mark.django_db
HISTORY = "/builds/"
NONCES = {"one": bytes([0xA1] * 16), "two": bytes([0xB2] * 16)}
FILES = {"one": b"first", "two": b"second"}
COMMITS = {"one": "ab" * 20, "two": "abad" * 10}


@pytest.fixture
def ada(client):
    ada = person_make("ada")
    client.force_login(ada)
    return ada


def _verified(owner, name, **fields):
    uri = f"https://example.org/team/{name}.git"
    result = result_make(
        nonce=NONCES[name],
        uri=uri,
        commit=COMMITS[name],
        subjects={f"{name}-tool": FILES[name]},
        dependencies=[("serde", "1.0.228" if name == "one" else "1.0.100"), (f"only-{name}", "0.1.0")],
    )
    build = build_make(owner, tarball=result.tarball, nonce=NONCES[name], repo_url=uri, **fields)
    report_create(build=build, now=timezone.now())
    return build


@pytest.fixture
def two(ada):
    return {
        "one": _verified(ada, "one", label="release candidate", job_id="11111111-2222-4333-8444-555555555555"),
        "two": _verified(ada, "two"),
    }


def _ended(owner, **fields):
    """A build that ended without a report, and that search knows."""
    build = build_make(owner, **fields)
    build_index(build.pk)
    return build


def _found(client, two=None, **parameters):
    page = client.get(HISTORY, parameters).context["page"]
    names = {build.uid: name for name, build in (two or {}).items()}
    return [names.get(row.uid, row.uid) for row in page.rows]


def _queries(two):
    one = two["one"]
    digest = hashlib.sha256(FILES["one"]).digest()
    return [
        ("team/one", ["one"]),
        ("TEAM/ONE", ["one"]),
        ("example.org", ["two", "one"]),
        (COMMITS["one"], ["one"]),
        (COMMITS["one"][:7].upper(), ["one"]),
        ("abab", ["one"]),
        ("2222222", ["two", "one"]),
        (digest.hex(), ["one"]),
        (digest.hex().upper(), ["one"]),
        (f"sha256:{digest.hex()}", ["one"]),
        (f"SHA-256:{digest.hex()}", ["one"]),
        (digest.hex()[:12], ["one"]),
        (digest.hex()[:9].upper(), ["one"]),
        ("https://example.org/team/one", ["one"]),
        ("https://someone@example.org/team/one.git/", ["one"]),
        ("git@example.org:team/one.git", ["one"]),
        ("example.org/Team/one/", ["one"]),
        ("rustc 1.93.1", ["two", "one"]),
        ("rustc@1.93.1", ["two", "one"]),
        ("rustc 1.93.1 team/one", []),
        ("serde 1.0.228", ["one"]),
        ("serde 1.0.999", []),
        ("-team/one rustc 1.93.1", ["two"]),
        (base64.b64encode(digest).decode(), ["one"]),
        (f"sha256-{base64.b64encode(digest).decode()}", ["one"]),
        (one.provenance_sha256, ["one"]),
        (one.evidence_sha256, ["one"]),
        (one.result_sha256, ["one"]),
        ("33" * 32, ["two", "one"]),
        ("one-tool", ["one"]),
        ("only-one", ["one"]),
        ("serde", ["two", "one"]),
        ("Serde", ["two", "one"]),
        ("serde@1.0.228", ["one"]),
        ("pkg:cargo/serde@1.0.228", ["one"]),
        ("pkg:npm/serde@1.0.228", []),
        ("serde@9.9.9", []),
        (one.uid, ["one"]),
        (NONCES["one"].hex(), ["one"]),
        ("11111111-2222-4333-8444-555555555555", ["one"]),
        ("release cand", ["one"]),
        ("100% _nothing_", []),
        ("00" * 32, []),
    ]


def test_every_kind_of_query_finds_its_builds(client, two):
    wrong = {query: found for query, expected in _queries(two) if (found := _found(client, two, q=query)) != expected}
    assert wrong == {}


def test_nothing_found_says_how_it_was_read_and_what_was_searched(client, two):
    answer = client.get(HISTORY, {"q": "serde@9.9.9"})
    page = answer.context["page"]
    assert page.read_as == "a dependency or a tool in one version"
    assert page.searched == ("dependency name and version", "tool version")
    assert "a dependency or a tool in one version" in answer.content.decode()
    assert "dependency name and version" in answer.content.decode()


def test_running_and_failed_builds_are_found_by_what_was_asked_for(client, ada):
    running = build_make(ada, repo_url="https://example.org/slow.git", resolved_commit="dead" * 10)
    failed = _ended(ada, repo_url="https://example.org/slow.git", state=State.FAILED)
    assert _found(client, q="slow") == [failed.uid, running.uid]
    assert _found(client, q="deaddead") == [running.uid]


def test_newest_first(client, two):
    assert _found(client, two) == ["two", "one"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"verdict": "simulated"}, ["two", "one"]),
        ({"verdict": "failed"}, []),
        ({"verdict": ["failed", "simulated"]}, ["two", "one"]),
        ({"state": "done"}, ["two", "one"]),
        ({"state": "failed"}, ["bad"]),
        ({"state": "running"}, ["queued"]),
        ({"state": "running", "origin": "upload"}, []),
        ({"state": "running", "q": "team/one"}, []),
        ({"origin": "repository"}, ["queued", "bad", "two", "one"]),
        ({"verdict": "nonsense"}, ["queued", "bad", "two", "one"]),
    ],
)
def test_filters_are_in_the_address(client, ada, two, parameters, expected):
    builds = {
        **two,
        "bad": _ended(ada, state=State.FAILED),
        "queued": build_make(ada),
    }
    assert _found(client, builds, **parameters) == expected


def test_switching_a_filter_keeps_the_rest_of_the_address(client, two):
    page = client.get(HISTORY, {"q": "serde", "verdict": "failed", "below": "99", "junk": "x"}).context["page"]
    options = {(group.name, option.value): option for group in page.filters for option in group.options}
    assert options["verdict", "failed"].is_on
    assert options["verdict", "failed"].url == "/builds/?q=serde"
    assert options["state", "done"].url == "/builds/?q=serde&verdict=failed&state=done"


def test_pages_continue_where_the_last_one_ended(client, ada, monkeypatch):
    monkeypatch.setattr(selectors, "PAGE_ROWS", 2)
    builds = [build_make(ada) for _ in range(5)]
    seen, url = [], HISTORY
    while url:
        page = client.get(url).context["page"]
        seen += [row.uid for row in page.rows]
        # A new build at the top moves nothing.
        build_make(ada) if len(seen) == 2 else None
        url = page.older_url
    assert seen == [build.uid for build in reversed(builds)]
    assert page.newest_url == HISTORY


@pytest.mark.parametrize("below", ["x", "-1", "9" * 40, "٣"])
def test_bad_cursor_is_the_first_page(client, two, below):
    assert _found(client, two, below=below) == ["two", "one"]


def test_only_builds_that_the_viewer_may_see(client, two, settings):
    bob = person_make("bob")
    client.force_login(bob)
    for query, _expected in _queries(two):
        assert _found(client, two, q=query) == []
    settings.BUILDS_VISIBLE_TO = "everyone"
    assert _found(client, two) == ["two", "one"]
    settings.BUILDS_VISIBLE_TO = "owner"
    client.force_login(person_make("root", is_administrator=True))
    assert _found(client, two) == ["two", "one"]


def test_count_does_not_tell_of_what_the_viewer_may_not_see(client, two):
    client.force_login(person_make("bob"))
    assert client.get(HISTORY).context["page"].count == 0


def test_count_is_capped(client, ada, monkeypatch):
    monkeypatch.setattr(selectors, "COUNT_CAP", 2)
    for _ in range(3):
        build_make(ada)
    page = client.get(HISTORY).context["page"]
    assert (page.count, page.is_count_capped) == (2, True)


@pytest.mark.parametrize(
    "query", ["", "serde", "abab", "team/one", "serde@1.0.228", "33" * 32, "label:serde verdict:simulated", "after:2020 before:2100"]
)
def test_queries_do_not_grow_with_builds(client, ada, query):
    """One row, then sixty: of ended builds and of running ones."""
    _verified(ada, "one", label="serde abab team/one")
    build_make(ada, label="serde abab team/one")
    client.get(HISTORY)
    with CaptureQueriesContext(connection) as few:
        client.get(HISTORY, {"q": query}, follow=True)
    for number in range(60):
        _ended(ada, label="serde abab team/one", state=State.FAILED, repo_url=f"https://example.org/team/one-{number}.git")
        build_make(ada, label="serde abab team/one")
    with CaptureQueriesContext(connection) as many:
        client.get(HISTORY, {"q": query}, follow=True)
    assert len(many) == len(few) <= 30


def test_htmx_gets_the_list_of_the_same_address(client, two):
    answer = client.get(HISTORY, {"q": "serde"}, headers={"HX-Request": "true"})
    assert "<html" not in answer.content.decode()
    assert two["one"].uid in answer.content.decode()
    assert "HX-Request" in answer["Vary"]


def test_hostile_text_is_escaped(client, ada):
    build_make(ada, label="<script>alert(1)</script>")
    answer = client.get(HISTORY, {"q": "<script>"})
    assert b"<script>alert" not in answer.content
    assert len(answer.context["page"].rows) == 1


def test_anonymous_is_sent_to_sign_in(client):
    assert client.get(HISTORY)["Location"].startswith("/account/sign-in/")


def test_history_takes_no_posts(client, ada):
    assert client.post(HISTORY).status_code == 405


def test_build_without_an_address_is_named_after_its_first_file(client, ada):
    build = build_make(ada, repo_url="")
    build.artifacts.create(name="zebra", sha256=bytes(32))
    build.artifacts.create(name="kex", sha256=bytes(32))
    assert [row.title for row in client.get(HISTORY).context["page"].rows] == ["kex"]
    assert ">kex<" in client.get("/").content.decode()
    assert client.get(f"/builds/{build.uid}/").context["page"].name == "kex"
