"""The log's addresses: ranges, search, first error, text files, the page without JavaScript."""

from __future__ import annotations

import gzip
import json
import re
from html import unescape
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.utils import timezone

from kettle_web.builds import logrows, logsearch
from kettle_web.builds.eventlog import Event
from kettle_web.builds.follow_store import events_append
from kettle_web.builds.logstore import log_seal
from kettle_web.builds.models import Build, SealedLog
from kettle_web.builds.states import State
from kettle_web.core.blobs import blob_name

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def build(build_make) -> Build:
    build: Build = build_make(state=State.BUILDING)
    Build.objects.update(lease_owner="me")
    events = [Event("init", "ready", ms=7)]
    events += [Event("build", f"\x1b[32mline\x1b[0m {number} <b>", ms=7) for number in range(2, 1501)]
    events_append(build.id, "me", events)
    build.refresh_from_db()
    return build


def end(build: Build, *, state: State = State.FAILED) -> None:
    Build.objects.filter(id=build.id).update(state=state, finished_at=timezone.now(), lease_owner="")
    build.refresh_from_db()


@pytest.fixture(params=["rows", "sealed"])
def stored(request, build: Build) -> Build:
    """The same log, before and after it is sealed."""
    if request.param == "sealed":
        end(build)
        assert log_seal(build.id)
    return build


def get(client: Client, build: Build, path: str, **query: Any) -> Any:
    answer = client.get(f"/builds/{build.uid}/{path}", query)
    assert answer.status_code == 200, answer.status_code
    return json.loads(answer.content)


def body(client: Client, path: str) -> bytes:
    async def read() -> bytes:
        other = AsyncClient()
        other.cookies = client.cookies
        answer = await other.get(path)
        assert answer.status_code == 200
        return b"".join([piece async for piece in answer.streaming_content])

    content: bytes = async_to_sync(read)()
    return content


class TestLines:
    def test_range_is_given_with_numbers_times_types_and_html(self, client, stored) -> None:
        document = get(client, stored, "log/lines.json", **{"from": 1, "to": 2})
        assert document["rows"] == [[1, 7, "init", "ready"], [2, 7, "build", '<span class="ansi-green">line</span> 2 &lt;b&gt;']]
        assert document["lines"] == 1500

    def test_answer_is_bounded_whatever_is_asked_for(self, client, stored) -> None:
        rows = get(client, stored, "log/lines.json", **{"from": 100, "to": 10**9})["rows"]
        assert [row[0] for row in rows] == list(range(100, 100 + logrows.MAX_ROWS))

    def test_range_beyond_the_end_is_empty(self, client, stored) -> None:
        assert get(client, stored, "log/lines.json", **{"from": 1501, "to": 1600})["rows"] == []

    @pytest.mark.parametrize("first", ["x", "-3", "0", "²", "9" * 40, ""])
    def test_nonsense_is_the_beginning(self, client, stored, first: str) -> None:
        assert get(client, stored, "log/lines.json", **{"from": first, "to": 1})["rows"][0][0] == 1

    def test_long_lines_make_a_shorter_answer(self, client, build) -> None:
        events_append(build.id, "me", [Event("build", "x" * 200_000)] * 600)
        rows = get(client, build, "log/lines.json", **{"from": 1501, "to": 2100})["rows"]
        assert 200 < len(rows) < 300
        assert {len(row[3]) for row in rows} == {4000}

    def test_event_of_a_hundred_thousand_lines_is_given_in_parts(self, client, build) -> None:
        events_append(build.id, "me", [Event("build", "\n".join(f"part {number}" for number in range(100_000)))])
        rows = get(client, build, "log/lines.json", **{"from": 51_501, "to": 51_502})["rows"]
        assert [row[3] for row in rows] == ["part 50000", "part 50001"]


class TestCaching:
    @pytest.mark.parametrize("path", ["log/lines.json?from=1&to=5", "log/search.json?q=line", "log.txt", "log.txt.gz"])
    def test_sealed_log_is_asked_for_again_and_not_sent_again(self, client, build, path: str) -> None:
        end(build)
        log_seal(build.id)
        answer = client.get(f"/builds/{build.uid}/{path}")
        assert answer["Cache-Control"] == "private, no-cache"
        again = client.get(f"/builds/{build.uid}/{path}", headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        answer.close()

    def test_other_ranges_have_other_names(self, client, build) -> None:
        end(build)
        log_seal(build.id)
        names = {client.get(f"/builds/{build.uid}/log/lines.json?from={first}&to=9")["ETag"] for first in (1, 2, 3)}
        assert len(names) == 3

    def test_growing_log_is_not_kept(self, client, build) -> None:
        answer = client.get(f"/builds/{build.uid}/log/lines.json?from=1&to=5")
        assert answer["Cache-Control"] == "private, no-store"
        assert "ETag" not in answer


class TestSearch:
    def test_all_lines_are_searched_without_colours_between(self, client, stored) -> None:
        assert get(client, stored, "log/search.json", q="LINE 1234 <") == {"hits": [1234], "searched": 1500, "next": None}

    def test_case_counts_when_asked_for(self, client, stored) -> None:
        assert get(client, stored, "log/search.json", q="Line 12", case="1")["hits"] == []
        assert len(get(client, stored, "log/search.json", q="line 12", case="1")["hits"]) == 1 + 10 + 100

    def test_special_characters_are_plain_text(self, client, stored) -> None:
        for needle in (".*", "(a+)+$", "[", "%", "\\"):
            assert get(client, stored, "log/search.json", q=needle)["hits"] == []

    def test_nothing_is_found_for_nothing(self, client, stored) -> None:
        assert get(client, stored, "log/search.json", q="")["hits"] == []

    def test_many_hits_come_in_parts_and_none_is_lost(self, client, stored, monkeypatch) -> None:
        monkeypatch.setattr(logsearch.log_search, "__kwdefaults__", {**logsearch.log_search.__kwdefaults__, "limit": 400})
        hits: list[int] = []
        following = 1
        while following:
            document = get(client, stored, "log/search.json", q="line", **{"from": following})
            assert len(document["hits"]) <= 400
            hits += document["hits"]
            following = document["next"]
        assert hits == list(range(2, 1501))

    def test_search_that_takes_too_long_says_how_far_it_came(self, stored, monkeypatch) -> None:
        seconds = iter(range(1000))
        found = logsearch.log_search(stored, "line", is_case=False, clock=lambda: float(next(seconds)))
        assert (found.searched, found.next) == (1500, 1501)
        monkeypatch.setattr(logsearch, "SEARCH_SECONDS", 0)
        found = logsearch.log_search(stored, "nowhere", is_case=False, clock=lambda: float(next(seconds)))
        assert (found.hits, found.searched, found.next) == ((), 500, 501)


class TestFirstError:
    def line(self, client: Client, build: Build) -> Any:
        answer = client.get(f"/builds/{build.uid}/log/error", headers={"Accept": "application/json"})
        assert answer["Vary"].find("Accept") >= 0
        return json.loads(answer.content)

    @pytest.mark.parametrize("is_sealed", [False, True])
    def test_first_line_that_reads_like_an_error_is_found(self, client, build, is_sealed: bool) -> None:
        events_append(build.id, "me", [Event("build", "\x1b[31merror\x1b[0m: it broke"), Event("build", "error: once more")])
        end(build)
        assert not is_sealed or log_seal(build.id)
        assert self.line(client, build) == {"line": 1501, "is_guess": False}
        answer = client.get(f"/builds/{build.uid}/log/error")
        assert (answer.status_code, answer["Location"]) == (302, f"/builds/{build.uid}/log/?from=1481#L1501")

    @pytest.mark.parametrize("is_sealed", [False, True])
    def test_failed_build_without_any_leads_to_its_last_output(self, client, build, is_sealed: bool) -> None:
        events_append(build.id, "me", [Event("build", "it ends here"), Event("build", "  "), Event("site", "a note")])
        end(build)
        assert not is_sealed or log_seal(build.id)
        assert self.line(client, build) == {"line": 1501, "is_guess": True}

    def test_build_that_ended_well_has_none(self, client, build) -> None:
        end(build, state=State.DONE)
        assert self.line(client, build)["line"] is None
        assert client.get(f"/builds/{build.uid}/log/error")["Location"] == f"/builds/{build.uid}/log/"

    def test_page_of_a_failed_build_leads_to_it(self, client, build) -> None:
        end(build)
        html = client.get(f"/builds/{build.uid}/").content.decode()
        assert html.count(f'href="/builds/{build.uid}/log/error"') == 2


class TestText:
    def test_packed_text_is_the_text(self, client, stored) -> None:
        plain = body(client, f"/builds/{stored.uid}/log.txt")
        assert plain.count(b"\n") == 1500
        assert plain.splitlines()[1] == b"line 2 <b>"
        assert gzip.decompress(body(client, f"/builds/{stored.uid}/log.txt.gz")) == plain

    def test_range_and_times_are_given_on_demand(self, client, stored) -> None:
        text = body(client, f"/builds/{stored.uid}/log.txt?lines=1-2&times=1").decode()
        assert text == "1970-01-01T00:00:00.007Z  [init] ready\n1970-01-01T00:00:00.007Z  line 2 <b>\n"
        assert body(client, f"/builds/{stored.uid}/log.txt?lines=1500") == b"line 1500 <b>\n"

    @pytest.mark.parametrize("lines", ["x", "1-x", "1--2", "-", "1-2-3", "1" * 20, "²"])
    def test_range_that_is_none_is_not_there(self, client, stored, lines: str) -> None:
        assert client.get(f"/builds/{stored.uid}/log.txt", {"lines": lines}).status_code == 404

    def test_packed_text_is_an_attachment(self, client, stored) -> None:
        answer = client.head(f"/builds/{stored.uid}/log.txt.gz")
        assert answer["Content-Disposition"] == f'attachment; filename="{stored.uid}.log.txt.gz"'
        assert "sandbox" in answer["Content-Security-Policy"]


class TestPage:
    def test_log_can_be_read_page_by_page_from_end_to_end(self, client, stored) -> None:
        seen: list[int] = []
        address = f"/builds/{stored.uid}/log/?from=1"
        while address:
            page = client.get(address).context["page"]
            seen += [row.number for row in page.log.rows]
            address = f"/builds/{stored.uid}/log/?from={page.after}" if page.after else ""
        assert seen == list(range(1, 1501))

    def test_log_that_matters_at_its_end_begins_there(self, client, stored) -> None:
        page = client.get(f"/builds/{stored.uid}/log/").context["page"]
        assert (page.log.first, page.log.last, page.before, page.after) == (1001, 1500, 501, None)

    def test_log_of_a_build_that_ended_well_begins_at_its_beginning(self, client, build) -> None:
        end(build, state=State.DONE)
        assert client.get(f"/builds/{build.uid}/log/").context["page"].log.first == 1

    def test_search_without_javascript_lists_lines_with_their_addresses(self, client, stored) -> None:
        answer = client.get(f"/builds/{stored.uid}/log/", {"q": "line 700"})
        assert [hit.number for hit in answer.context["page"].hits] == [700]
        assert 'href="?from=680#L700"' in answer.content.decode()

    def test_search_without_javascript_that_runs_out_of_time_says_how_far_it_came_and_goes_on(self, client, stored, monkeypatch) -> None:
        monkeypatch.setattr(logsearch, "SEARCH_SECONDS", -1)
        found, ranges, address = [], [], f"/builds/{stored.uid}/log/?q=line+1400"
        while address:
            answer = client.get(address)
            page, text = answer.context["page"], answer.content.decode()
            found += [hit.number for hit in page.hits]
            ranges.append((page.searched_from, page.searched_to))
            assert "No line has it." not in text
            on = re.search(r'rel="next" href="(\?q=[^"]*search-from=[0-9]+)"', text)
            assert bool(page.hits) or f"No line from {page.searched_from} to " in text
            address = f"/builds/{stored.uid}/log/{unescape(on[1])}" if on else ""
        assert (found, ranges) == ([1400], [(1, 500), (501, 1000), (1001, 1500), (1501, 1500)])

    def test_search_without_javascript_that_finds_nothing_says_so_of_the_whole_log(self, client, stored) -> None:
        text = client.get(f"/builds/{stored.uid}/log/", {"q": "nowhere"}).content.decode()
        assert "No line has it." in text
        assert 'rel="next" href="?q' not in text

    def test_own_page_of_a_running_log_can_be_told_of_the_end_while_its_tab_is_hidden(self, client, build, owner) -> None:
        text = client.get(f"/builds/{build.uid}/log/").content.decode()
        assert f'data-uid="{build.uid}" data-changes-url="/builds/changes" data-person="{owner.pk}"' in text

    def test_lost_file_of_a_sealed_log_is_said_and_breaks_no_page(self, client, build, tmp_path) -> None:
        end(build)
        log_seal(build.id)
        (tmp_path / "files" / blob_name(SealedLog.objects.get().sha256)).unlink()
        # An index that is in memory still must not hide it from the next process.
        from kettle_web.builds import logsource

        logsource._indexes.clear()
        logsource._cache.kept.clear()
        for path in ("", "log/"):
            assert "missing or damaged" in client.get(f"/builds/{build.uid}/{path}").content.decode()
        for path in ("log/lines.json?from=1&to=5", "log/search.json?q=a", "log.txt", "log.txt.gz", "log/error"):
            assert client.get(f"/builds/{build.uid}/{path}").status_code == 404

    def test_log_that_was_let_go_of_is_said_to_be(self, client, build) -> None:
        end(build)
        build.event_chunks.all().delete()
        Build.objects.update(log_removed_at=timezone.now())
        assert "was removed on" in client.get(f"/builds/{build.uid}/log/").content.decode()
