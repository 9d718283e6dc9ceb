import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kettle_web.builds.eventlog import Event, chunk_encode
from kettle_web.builds.models import Build, EventChunk
from kettle_web.builds.states import Fault, State
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make, result_make


@pytest.fixture(autouse=True)
def _files(tmp_path, settings) -> None:
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }


@pytest.fixture
def ada(db):
    return person_make("ada")


@pytest.fixture
def client(ada):
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def judged(ada):
    build = build_make(ada, tarball=result_make().tarball)
    report_create(build=build, now=timezone.now())
    build.refresh_from_db()
    return build


def log_store(build: Build, *events: Event) -> None:
    EventChunk.objects.create(build=build, first_seq=1, last_seq=len(events), payload=chunk_encode(1, events))
    Build.objects.filter(pk=build.pk).update(last_seq=len(events))


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


class TestHome:
    def test_empty_home_offers_the_sample(self, client):
        assert "Try the sample" in text_of(client.get("/"))

    def test_running_and_ended_builds_are_listed_apart(self, client, ada, judged):
        running = build_make(ada, label="kettle in use")
        response = client.get("/")
        page = response.context["page"]
        assert [row.uid for row in page.running] == [running.uid]
        assert [row.uid for row in page.recent] == [judged.uid]
        assert "Simulated" in text_of(response)
        assert "favicon-running" in response.content.decode()

    def test_builds_of_others_are_not_there(self, client):
        build_make(person_make("bob"), label="not for ada")
        assert "not for ada" not in text_of(client.get("/"))

    def test_stranger_is_asked_to_sign_in(self, db):
        assert Client().get("/").url.startswith("/account/sign-in/")

    def test_queries_do_not_grow_with_the_list(self, client, ada, judged):
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get("/")
            return len(queries)

        build_make(ada)
        count()  # The first request of a session asks more.
        before = count()
        for number in range(8):
            build_make(ada, label=f"build {number}", state=State.DONE if number % 2 else State.QUEUED)
        assert count() == before


class TestBuild:
    def test_judged_build_shows_verdict_before_source_before_limits(self, client, judged):
        text = text_of(client.get(f"/builds/{judged.uid}/"))
        places = [text.index(part) for part in ("Simulated:", "The chain", "Source", "Integrity", "Check it yourself", "does not prove")]
        assert places == sorted(places)
        assert "not covered by the attestation" in text

    def test_every_check_of_the_report_is_on_the_page(self, client, judged):
        html = client.get(f"/builds/{judged.uid}/").content.decode()
        codes = [check["code"] for check in judged.reports.first().document["checks"]]
        assert codes
        assert not [code for code in codes if f'id="check-{code}"' not in html]

    def test_flipped_nonce_breaks_the_rail_and_opens_the_break(self, client, ada):
        build = build_make(ada, tarball=result_make().tarball, nonce=b"\xff" * 16)
        report_create(build=build, now=timezone.now())
        html = client.get(f"/builds/{build.uid}/").content.decode()
        assert "is-failed" in html
        assert "broken here" in html
        assert 'class="link rail-fail' in html
        assert "favicon-failed" in html

    def test_running_build_says_that_nothing_is_established(self, client, ada):
        build = build_make(ada, state=State.BUILDING)
        response = client.get(f"/builds/{build.uid}/")
        assert "Nothing is established yet" in text_of(response)
        assert f'data-live="/builds/{build.uid}/events"' in response.content.decode()
        assert "cannot be told to cancel" in text_of(response)

    def test_failed_build_says_whose_fault_it_was(self, client, ada):
        build = build_make(ada, state=State.FAILED, fault=Fault.SOURCE, failure_message="no lockfile <here>", finished_at=timezone.now())
        response = client.get(f"/builds/{build.uid}/")
        assert "no lockfile &lt;here&gt;" in response.content.decode()
        assert "The fault lies with the source" in text_of(response)
        assert "Nothing was proven" in text_of(response)

    def test_abandoned_build_claims_nothing_about_its_end(self, client, ada):
        build = build_make(ada, state=State.ABANDONED, finished_at=timezone.now())
        assert "is not known here" in text_of(client.get(f"/builds/{build.uid}/"))

    def test_log_line_cannot_bring_markup_or_escapes(self, client, ada):
        build = build_make(ada, state=State.BUILDING)
        log_store(build, Event("build", "\x1b[31m<script>alert(1)</script>\x1b[0m\u202e"), Event("<b>", "typed"))
        html = client.get(f"/builds/{build.uid}/").content.decode()
        assert '<span class="ansi-red">&lt;script&gt;alert(1)&lt;/script&gt;</span>' in html
        assert "\x1b" not in html
        assert "⟨U+202E⟩" in html
        assert 'data-kind="&lt;b&gt;"' in html

    def test_only_the_end_of_a_long_log_is_in_the_page(self, client, ada, monkeypatch):
        monkeypatch.setattr("kettle_web.builds.log_pages.TAIL_LINES", 3)
        build = build_make(ada, state=State.BUILDING)
        log_store(build, *(Event("build", f"line {number}") for number in range(1, 11)))
        response = client.get(f"/builds/{build.uid}/")
        page = response.context["page"]
        assert [row.number for row in page.log.rows] == [8, 9, 10]
        assert page.log.is_cut
        assert 'data-after="10"' in response.content.decode()

    def test_open_page_gets_its_parts_without_frame_and_log(self, client, judged):
        html = client.get(f"/builds/{judged.uid}/", headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in html
        assert 'id="log-rows"' not in html
        for part in ("outcome", "actions", "phases", "proof", "after"):
            assert html.count(f'id="{part}"') == 1

    def test_whole_page_has_each_part_once(self, client, judged):
        html = client.get(f"/builds/{judged.uid}/").content.decode()
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids))

    def test_build_of_another_is_not_found_like_one_that_is_not(self, client):
        other = build_make(person_make("bob"))
        answers = [client.get(f"/builds/{uid}/") for uid in (other.uid, "0" * 16)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert text_of(answers[0]) == text_of(answers[1])

    def test_stranger_is_asked_to_sign_in(self, judged):
        assert Client().get(f"/builds/{judged.uid}/").status_code == 302

    @pytest.mark.parametrize("uid", ["new", "import"])
    def test_words_are_not_taken_for_builds(self, client, uid):
        assert client.get(f"/builds/{uid}/").status_code == 200

    def test_posting_is_refused(self, client, judged):
        assert client.post(f"/builds/{judged.uid}/").status_code == 405

    def test_who_may_only_look_gets_no_share_box(self, judged, settings):
        settings.BUILDS_VISIBLE_TO = "everyone"
        client = Client()
        client.force_login(person_make("bob"))
        html = client.get(f"/builds/{judged.uid}/").content.decode()
        assert 'id="links"' not in html
        assert "by ada" in html


class TestForms:
    def test_password_page_names_the_account_for_password_managers(self, client):
        assert b'autocomplete="username" value="ada"' in client.get("/account/password/").content

    def test_refused_import_says_that_files_must_be_chosen_again(self, client):
        answer = client.post("/builds/import/", {"nonce": "zz"})
        assert "Files must be chosen again" in text_of(answer)


def test_failed_build_shows_its_log_from_the_end(client, ada):
    build = build_make(ada, label="leaky")
    log_store(build, Event("build", "error", ms=1))
    Build.objects.filter(pk=build.pk).update(
        state=State.FAILED, fault=Fault.SOURCE, failure_message="It leaks.", finished_at=timezone.now()
    )
    assert b"data-at-end" in client.get(f"/builds/{build.uid}/").content


class TestRows:
    def test_rows_are_those_that_were_asked_for_and_may_be_seen(self, client, ada, judged):
        hidden = build_make(person_make("bob"), label="not for ada")
        build_make(ada, label="not asked for")
        response = client.get("/builds/rows/", {"uid": [judged.uid, hidden.uid, "nonsense"]})
        assert re.findall(r'data-build="(\w+)"', response.content.decode()) == [judged.uid]

    def test_more_than_a_page_of_rows_is_cut(self, client, ada):
        builds = [build_make(ada) for _ in range(3)]
        names = ["x"] * 49 + [build.uid for build in builds]
        response = client.get("/builds/rows/", {"uid": names})
        assert re.findall(r'data-build="(\w+)"', response.content.decode()) == [builds[0].uid]

    def test_stranger_is_asked_to_sign_in(self, db):
        assert Client().get("/builds/rows/").url.startswith("/account/sign-in/")
