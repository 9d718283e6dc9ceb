import csv
import io
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from kettle_web.history.dependencies import affected, selectors
from kettle_web.history.dependencies.names import nix_split
from kettle_web.verifications.models import Package
from kettle_web.verifications.search.models import SearchRow
from kettle_web.verifications.search.tokens import Family, token
from tests.accounts.people import person_make
from tests.history.world import judged
from tests.queries import queries_of

pytestmark = pytest.mark.django_db
SERDE = "/dependencies/cargo/serde/"


@pytest.fixture
def ada():
    return person_make("ada")


@pytest.fixture
def grace():
    return person_make("grace")


@pytest.fixture
def root():
    return person_make("root", is_administrator=True)


def _client(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _page(user, path=SERDE, **parameters):
    return _client(user).get(path, parameters).context["page"]


@pytest.fixture
def three(ada):
    return [judged(ada, dependencies=[("serde", version), ("memchr", "2.7.4")]) for version in ("1.0.100", "1.0.228", "1.0.228")]


@pytest.mark.parametrize("who", ["ada", "root"])
def test_versions_with_builds_first_and_last_seen(three, who, request):
    page = _page(request.getfixturevalue(who))
    found = [(row.version, row.builds, row.first.uid, row.last.uid) for row in page.versions]
    assert found == [("1.0.228", 2, three[1].uid, three[2].uid), ("1.0.100", 1, three[0].uid, three[0].uid)]
    assert [row.build.uid for row in page.rows] == [build.uid for build in reversed(three)]
    assert page.rows[0].packages == ("serde@1.0.228",)
    assert not page.is_guessed


@pytest.mark.parametrize(
    ("versions", "expected"),
    [("1.0.228", [2, 1]), (">=1.0.0,<1.0.200", [0]), ("1.0.100 or 1.0.228", [2, 1, 0]), ("^2", []), ("=1.0.100", [0])],
)
def test_range_shows_the_builds_that_it_holds(ada, three, versions, expected):
    page = _page(ada, versions=versions)
    assert [row.build.uid for row in page.rows] == [three[at].uid for at in expected]
    assert page.count == len(expected)


def test_what_is_no_range_is_said_and_kept(ada, three):
    answer = _client(ada).get(SERDE, {"versions": ">=<"})
    assert answer.status_code == 422
    assert "not read as a range" in answer.content.decode()
    assert 'value="&gt;=&lt;"' in answer.content.decode()


def test_stranger_gets_what_does_not_exist(three, grace):
    client = _client(grace)
    for path in (SERDE, "/dependencies/cargo/nothing/", SERDE + "?versions=9.9.9"):
        assert client.get(path).status_code == 404
    assert _page(grace, "/dependencies/", q="serde").names == ()
    assert b"".join(client.get("/dependencies/affected.csv?ecosystem=cargo&name=serde")).count(b"\r\n") == 1


def test_other_peoples_builds_are_in_no_count_and_no_first_seen(three, grace):
    hers = judged(grace, dependencies=[("serde", "1.0.228")])
    page = _page(grace)
    assert [(row.version, row.builds, row.first.uid, row.last.uid) for row in page.versions] == [("1.0.228", 1, hers.uid, hers.uid)]
    assert [row.build.uid for row in page.rows] == [hers.uid]


def test_range_that_no_build_of_the_viewer_holds_is_empty_and_no_error(ada, three):
    page = _page(ada, versions="9.9.9")
    assert (page.rows, page.versions) == ((), ())


def test_packages_are_found_by_a_part_of_their_name(ada, three):
    assert [(row.name, row.versions) for row in _page(ada, "/dependencies/", q="serd").names] == [("serde", 2)]
    assert [row.name for row in _page(ada, "/dependencies/", q="MEMCHR").names] == ["memchr"]
    assert "No package of that name" in _client(ada).get("/dependencies/", {"q": "leftpad"}).content.decode()


def test_export_has_a_row_for_each_build_and_package(ada, three):
    answer = _client(ada).get("/dependencies/affected.csv", {"ecosystem": "cargo", "name": "serde", "versions": "1.0.228"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [(row["build"], row["package"], row["version"]) for row in rows] == [
        (three[2].uid, "serde", "1.0.228"),
        (three[1].uid, "serde", "1.0.228"),
    ]
    document = json.loads(b"".join(_client(ada).get("/dependencies/affected.json", {"list": "serde@1.0.100"})))
    assert [row["build"] for row in document["rows"]] == [three[0].uid]
    assert document["about"]["list"] == "serde@1.0.100"


@pytest.mark.parametrize("parameters", [{}, {"list": "???"}, {"name": "serde", "versions": ">=<"}])
def test_export_of_nothing_that_can_be_read_does_not_exist(ada, parameters):
    assert _client(ada).get("/dependencies/affected.csv", parameters).status_code == 404


def test_list_gives_the_affected_builds_at_an_address(ada, three):
    client = _client(ada)
    answer = client.post("/dependencies/affected/", {"list": "serde@1.0.100\nmemchr@9\nleftpad"})
    assert answer.status_code == 302
    page = client.get(answer["Location"]).context["page"]
    assert [row.build.uid for row in page.rows] == [three[0].uid]
    assert [(row.text, row.versions) for row in page.wanted] == [("serde@1.0.100", ("1.0.100",))]
    assert page.asked == 3


def test_build_is_listed_once_with_everything_of_the_list_that_it_contains(ada, three):
    page = _page(ada, "/dependencies/affected/", list="serde >=1.0.200\nmemchr")
    assert [row.packages for row in page.rows] == [
        ("memchr@2.7.4", "serde@1.0.228"),
        ("memchr@2.7.4", "serde@1.0.228"),
        ("memchr@2.7.4",),
    ]
    assert page.count == 3


def test_uploaded_list(ada, three):
    events = [{"introduced": "1.0.0"}, {"fixed": "1.0.200"}]
    advisory = {"affected": [{"package": {"ecosystem": "crates.io", "name": "serde"}, "ranges": [{"type": "SEMVER", "events": events}]}]}
    file = SimpleUploadedFile("advisory.json", json.dumps(advisory).encode())
    answer = _client(ada).post("/dependencies/affected/", {"file": file}, follow=True)
    assert [row.build.uid for row in answer.context["page"].rows] == [three[0].uid]


def test_long_list_is_shown_without_an_address_and_goes_on(ada, three, monkeypatch):
    monkeypatch.setattr(affected, "PAGE_ROWS", 2)
    text = "serde\n" + "\n".join(f"unknown-package-{n}@1.0.0" for n in range(200))
    client = _client(ada)
    page = client.post("/dependencies/affected/", {"list": text}).context["page"]
    assert (page.url, len(page.rows), page.asked) == ("", 2, 201)
    rest = client.post("/dependencies/affected/", {"list": text, "before": page.older}).context["page"]
    assert [row.build.uid for row in (*page.rows, *rest.rows)] == [build.uid for build in reversed(three)]
    exported = b"".join(client.post("/dependencies/affected.csv", {"list": text})).decode()
    assert exported.count("serde") == 3


@pytest.mark.parametrize("text", ["???", "", "x" * 1_100_000])
def test_list_that_cannot_be_read_is_said_and_kept(ada, text):
    answer = _client(ada).post("/dependencies/affected/", {"list": text})
    assert answer.status_code == 422
    assert b'role="alert"' in answer.content


def test_stranger_is_told_of_no_affected_build(three, grace):
    page = _page(grace, "/dependencies/affected/", list="serde\nmemchr")
    assert (page.rows, page.count, page.wanted) == ((), 0, ())


def test_formula_in_an_export_is_text(ada):
    judged(ada, dependencies=[("serde", "1.0.1")], fields={"label": "=HYPERLINK(1)"})
    exported = b"".join(_client(ada).get("/dependencies/affected.csv", {"list": "serde"})).decode()
    assert "'=HYPERLINK(1)" in exported


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("xz-5.6.1.tar.xz", ("xz", "5.6.1")),
        ("xz-5.6.1", ("xz", "5.6.1")),
        ("gcc-wrapper-13.2.0", ("gcc-wrapper", "13.2.0")),
        ("source", ("source", "")),
        ("7zip-24", ("7zip", "24")),
        ("x-2024-01-01.zip", ("x", "2024-01-01")),
    ],
)
def test_nix_says_name_and_version_in_one(text, split):
    assert nix_split(text) == split


def test_nix_is_asked_for_by_name_and_version_like_the_others(ada):
    build = judged(ada, dependencies=[("serde", "1.0.1")])
    nix = Package.objects.create(ecosystem="nix", name="xz-5.6.1.tar.xz")
    build.packages.create(package=nix)
    row = SearchRow.objects.get(pk=build.pk)
    SearchRow.objects.filter(pk=build.pk).update(tokens=tuple(sorted((*row.tokens, token(Family.PACKAGE, nix.pk)))))
    page = _page(ada, "/dependencies/nix/xz/", versions="5.6.0 or 5.6.1")
    assert [(row.build.uid, row.packages) for row in page.rows] == [(build.uid, ("xz@5.6.1",))]
    assert page.is_guessed
    # A build's page lists the name as nix states it.
    answer = _client(ada).get("/dependencies/nix/xz-5.6.1.tar.xz/", follow=True)
    assert answer.redirect_chain == [("/dependencies/nix/xz/?versions=%3D5.6.1", 302)]
    assert [row.build.uid for row in answer.context["page"].rows] == [build.uid]
    assert _client(ada).get("/dependencies/nix/unheard-of-1.0.tar.xz/", follow=True).status_code == 404
    assert _page(ada, "/dependencies/affected/", list="xz@5.6.1").count == 1
    assert _page(ada, "/dependencies/affected/", list="xz@5.6.2").count == 0


def test_page_of_a_build_leads_to_its_packages_and_versions(ada, three):
    page = _client(ada).get(f"/builds/{three[0].uid}/").content.decode()
    (version,) = re.findall(rf'href="{SERDE}[?]versions=%3D([^"]+)"', page)
    assert f'href="{SERDE}"' in page
    assert [row.build.uid for row in _page(ada, versions=f"={version}").rows] == [three[0].uid]


def test_pages_go_on_by_key(ada, three, monkeypatch):
    monkeypatch.setattr(selectors, "PAGE_ROWS", 2)
    seen, url = [], SERDE
    while url:
        page = _client(ada).get(url).context["page"]
        assert page.count == 3
        seen += [row.build.uid for row in page.rows]
        url = page.older_url
    assert seen == [build.uid for build in reversed(three)]


@pytest.mark.parametrize("who", ["ada", "root"])
def test_queries_do_not_grow_with_builds_and_versions(ada, who, request):
    client = _client(request.getfixturevalue(who))
    paths = (SERDE, SERDE + "?versions=>=1", "/dependencies/?q=serde", "/dependencies/affected/?list=serde")
    judged(ada, dependencies=[("serde", "1.0.0")])
    for path in paths:
        client.get(path)
    few = [queries_of(lambda path=path: client.get(path)) for path in paths]
    for number in range(1, 6):
        judged(ada, dependencies=[("serde", f"1.0.{number}")])
    assert [queries_of(lambda path=path: client.get(path)) for path in paths] == few
    assert max(few) <= 14


@pytest.mark.parametrize("name", ["line\nbreak", "<b>", "a?b#c%2F", "..", "‮evil", "x" * 290])
def test_hostile_name_of_a_package_breaks_no_page(ada, name):
    judged(ada, dependencies=[("serde", "1.0.1")])
    Package.objects.filter(name="serde").update(name=name)
    client = _client(ada)
    answer = client.get("/dependencies/", {"q": name})
    assert answer.status_code == 200
    assert "<b>" not in answer.content.decode().partition("<main")[2]
    for row in answer.context["page"].names:
        assert not row.url or client.get(row.url).status_code in (200, 301)
