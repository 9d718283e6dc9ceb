import pytest
from django.test import Client
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.history.models import Alarm
from kettle_web.history.projects import selectors
from kettle_web.verifications.models import BuildIndex
from tests.accounts.people import person_make
from tests.history.world import URL, judged
from tests.queries import queries_of
from tests.verifications.bundles import build_make

pytestmark = pytest.mark.django_db


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


def _page(user, build, **parameters):
    return _client(user).get(f"/projects/{build.project.slug}/", parameters).context["page"]


def test_key_alone_leads_to_the_readable_address(ada):
    build = judged(ada)
    answer = _client(ada).get(f"/projects/{build.project.key}/")
    assert answer["Location"] == f"/projects/tool-{build.project.key}/"
    assert _client(ada).get(f"/projects/other-name-{build.project.key}/")["Location"] == answer["Location"]


def test_only_builds_that_were_requested_by_url_count(ada):
    build = judged(ada)
    for origin in (Build.Origin.UPLOAD, Build.Origin.IMPORT):
        judged(ada, fields={"origin": origin})
    page = _page(ada, build)
    assert [row.build.uid for row in page.rows] == [build.uid]
    assert page.count == 1


def test_stranger_gets_what_does_not_exist(ada, grace):
    build = judged(ada)
    client = _client(grace)
    assert client.get(f"/projects/{build.project.slug}/").status_code == 404
    assert client.get(f"/projects/{build.project.slug}/builds.csv").status_code == 404
    assert URL.partition("//")[2].removesuffix(".git") not in client.get("/projects/").content.decode()


def test_other_peoples_builds_are_in_no_number(ada, grace):
    mine, hers = judged(ada), judged(grace)
    judged(grace)
    page = _page(ada, mine)
    assert (page.count, len(page.samples), [row.builds for row in page.refs]) == (1, 1, [1])
    assert _page(grace, hers).count == 2


def test_latest_of_each_ref(ada):
    judged(ada)
    tag = judged(ada, fields={"repo_ref": "v1"})
    newest = judged(ada, attested=False, attests=False)
    refs = _page(ada, newest).refs
    assert [(row.ref, row.uid, row.verdict, row.builds) for row in refs] == [
        ("main", newest.uid, "failed", 2),
        ("v1", tag.uid, "simulated", 1),
    ]


def test_running_and_failed_builds_are_there_too(ada):
    failed = build_make(ada, repo_url=URL, state=State.FAILED, failure_message="no such ref")
    running = build_make(ada, repo_url=URL)
    page = _page(ada, running)
    assert [row.build.uid for row in page.rows] == [running.uid, failed.uid]
    assert page.samples == ()
    assert "no such ref" in _client(ada).get(f"/projects/{running.project.slug}/").content.decode()


def test_plots_have_their_numbers_in_words_and_in_a_table(ada):
    build = judged(ada)
    BuildIndex.objects.filter(pk=build.pk).update(duration_ms=125_000, artifact_bytes=3 * 1024**2)
    text = _client(ada).get(f"/projects/{build.project.slug}/").content.decode()
    assert 'role="img"' in text
    assert text.count("2 min 5 s") >= 3
    assert text.count("3.00 MiB") >= 3
    exported = b"".join(_client(ada).get(f"/projects/{build.project.slug}/builds.csv")).decode()
    assert f"{build.uid},main," in exported
    assert ",125.0,3145728," in exported


def test_builds_that_state_no_numbers_have_no_plot(ada):
    build = judged(ada)
    BuildIndex.objects.filter(pk=build.pk).update(duration_ms=None, artifact_bytes=None)
    assert _page(ada, build).plots == ()


def test_what_changed_since_the_build_before_of_the_same_ref(ada):
    before = judged(ada)
    tag = judged(ada, fields={"repo_ref": "v1"}, commit="ab" * 20)
    build = judged(ada, commit="cd" * 20, dependencies=[("serde", "1.0.228")])
    same = judged(ada, commit="cd" * 20, dependencies=[("serde", "1.0.228")])
    rows = {row.build.uid: row for row in _page(ada, build).rows}
    assert rows[build.uid].changes == ("commit", "1 dependency instead of 2")
    assert rows[build.uid].compare_url == f"/compare/{before.uid}/{build.uid}/"
    assert (rows[same.uid].changes, bool(rows[same.uid].compare_url)) == ((), True)
    assert rows[before.uid].compare_url == ""
    # The first build of a ref: the project's build before.
    assert rows[tag.uid].compare_url == f"/compare/{before.uid}/{tag.uid}/"


def test_comparison_never_names_a_build_of_somebody_else(ada, grace):
    judged(grace)
    build = judged(ada)
    assert _page(ada, build).rows[0].compare_url == ""


def test_page_goes_on_by_key(ada, monkeypatch):
    monkeypatch.setattr(selectors, "PAGE_ROWS", 2)
    builds = [build_make(ada, repo_url=URL) for _ in range(5)]
    seen, url = [], f"/projects/{builds[0].project.slug}/"
    while url:
        page = _client(ada).get(url).context["page"]
        seen += [row.build.uid for row in page.rows]
        url = page.older_url
    assert seen == [build.uid for build in reversed(builds)]


@pytest.mark.parametrize(("walked", "few"), [(5000, 50), (1, 50), (2, 0), (5000, 0)])
def test_projects_stand_by_their_newest_build(ada, grace, monkeypatch, walked, few):
    # However far builds are walked before all are counted, the list is the same.
    monkeypatch.setattr(selectors, "WALKED", walked)
    monkeypatch.setattr(selectors, "PROJECTS_FEW", few)
    monkeypatch.setattr(selectors, "PAGE_ROWS", 2)
    for name in ("one", "two", "three"):
        build_make(ada, repo_url=f"https://example.org/team/{name}")
    build_make(ada, repo_url="https://example.org/team/one")
    build_make(grace, repo_url="https://example.org/team/two")
    names, url = [], "/projects/"
    while url:
        page = _client(ada).get(url).context["page"]
        names += [row.name for row in page.rows]
        url = page.older_url
    assert names == ["example.org/team/one", "example.org/team/three", "example.org/team/two"]
    found = _client(ada).get("/projects/", {"q": "THREE"}).context["page"]
    assert [row.name for row in found.rows] == ["example.org/team/three"]
    assert "No project matches" in _client(ada).get("/projects/", {"q": "four"}).content.decode()


def test_list_counts_open_alarms_that_the_viewer_may_see(ada, grace):
    build, hers = judged(ada), judged(grace)
    for owned in (build, hers):
        Alarm.objects.create(build=owned, project=owned.project, kind="verdict-worse")
    Alarm.objects.create(build=build, project=build.project, kind="source-moved", acknowledged_at=timezone.now())
    assert [row.open_alarms for row in _client(ada).get("/projects/").context["page"].rows] == [1]


def test_queries_do_not_grow_with_builds(ada):
    client = _client(ada)
    judged(ada)
    build = judged(ada)
    paths = ("/projects/", f"/projects/{build.project.slug}/")
    for path in paths:
        client.get(path)
    few = [queries_of(lambda path=path: client.get(path)) for path in paths]
    for number in range(6):
        judged(ada)
        build_make(ada, repo_url=f"https://example.org/team/other-{number}")
    assert [queries_of(lambda path=path: client.get(path)) for path in paths] == few
    assert few[0] <= 10
    assert few[1] <= 16
