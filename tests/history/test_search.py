"""Words and filters in the search box and in the address: chips, notes, counts, plots, suggestions, and who may see what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.history import days, durations, selectors
from kettle_web.history.filters import Filter, filters_read
from kettle_web.history.plots import BAR_WIDEST, BARS_MAX, WIDTH, periods
from kettle_web.history.typed import typed_read
from kettle_web.verifications.models import BuildIndex, DayCount, DayStale
from kettle_web.verifications.rebuild import build_index
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make, result_make

NOW = datetime(2026, 3, 31, 15, tzinfo=UTC)
HISTORY = "/builds/"


@pytest.mark.parametrize(
    ("text", "words", "filters"),
    [
        ("serde", ["serde"], []),
        ("serde verdict:failed", ["serde"], [("verdict", "failed")]),
        ("-verdict:failed", [], [("verdict", "-failed")]),
        ('label:"release candidate" x', ["x"], [("label", "release candidate")]),
        ('"two words"', ["two words"], []),
        ("VERDICT:failed", [], [("verdict", "failed")]),
        ("dep:serde@1.0.228", [], [("dep", "serde@1.0.228")]),
        ("dep:pkg:cargo/serde@1.0.228", [], [("dep", "pkg:cargo/serde@1.0.228")]),
        ("pkg:cargo/serde@1.0.228", ["pkg:cargo/serde@1.0.228"], []),
        ("https://example.org/a.git", ["https://example.org/a.git"], []),
        ("repo:https://example.org/a.git", [], [("repo", "https://example.org/a.git")]),
        ("file:///etc/passwd", ["file:///etc/passwd"], []),
        ("sha256:" + "ab" * 32, ["sha256:" + "ab" * 32], []),
        ("git@github.com:a/b", ["git@github.com:a/b"], []),
        ("", [], []),
        ('- "" "', [], []),
    ],
)
def test_text_is_taken_apart(text, words, filters):
    typed = typed_read(text)
    assert [word.text for word in typed.words] == words
    assert list(typed.filters) == filters
    assert typed.notes == ()


@pytest.mark.parametrize(("text", "part"), [("foo:bar", "«foo:» is no filter"), ("verdict:", "needs a value"), ("log:", "needs a value")])
def test_what_is_no_filter_is_said_and_searched_for(text, part):
    typed = typed_read(text)
    assert part in str(typed.notes[0])
    assert [word.text for word in typed.words] == [text]


@given(st.text(max_size=600))
def test_any_text_can_be_typed(text):
    typed = typed_read(text)
    assert len(typed.words) <= 8
    again = typed_read(typed.rest)
    assert again.filters == ()


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("after", "2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("after", "2026-03", datetime(2026, 3, 1, tzinfo=UTC)),
        ("before", "2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("after", "today", datetime(2026, 3, 31, tzinfo=UTC)),
        ("after", "yesterday", datetime(2026, 3, 30, tzinfo=UTC)),
        ("after", "7d", datetime(2026, 3, 24, tzinfo=UTC)),
        ("after", "2w", datetime(2026, 3, 17, tzinfo=UTC)),
    ],
)
def test_dates_are_read(name, value, bound):
    found = filters_read({name: [value]}, now=NOW)
    assert (found.since if name == "after" else found.until) == bound
    assert found.notes == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [("after", "2026-02-30"), ("after", "soon"), ("after", "-today"), ("before", "9999y"), ("verdict", "good"), ("state", "٣")],
)
def test_value_without_a_meaning_is_left_out_and_said(name, value):
    found = filters_read({name: [value]}, now=NOW)
    assert found.items == ()
    assert value.removeprefix("-") in found.notes[0]


def test_narrower_of_two_dates_counts_and_values_are_capped():
    found = filters_read({"after": ["2026-01", "2026-02"], "label": [str(number) for number in range(30)]}, now=NOW)
    assert found.since == datetime(2026, 2, 1, tzinfo=UTC)
    assert len(found.of("label")) == 20
    assert "first 20" in found.notes[0]
    assert filters_read({"verdict": ["Failed", "-failed"]}, now=NOW).items == (
        Filter("verdict", "failed"),
        Filter("verdict", "failed", is_excluded=True),
    )


@given(st.floats(min_value=0, max_value=1e8))
def test_middle_duration_is_right_to_a_fifth(seconds):
    middle = durations.median_seconds({durations.bucket(seconds): 1})
    assert middle is not None
    assert seconds < 1 or seconds > 3e7 or abs(middle / seconds - 1) < 0.2


@given(st.integers(min_value=1, max_value=4000))
def test_periods_cover_every_day_once(total):
    first = NOW.date()
    found = periods({}, first=first, last=first + timedelta(days=total - 1))
    assert len(found) <= BARS_MAX
    assert sum((period.last - period.first).days + 1 for period in found) == total
    assert all(left.last + timedelta(days=1) == right.first for left, right in pairwise(found))


@pytest.fixture
def ada(client, db):
    ada = person_make("ada")
    client.force_login(ada)
    return ada


@pytest.fixture
def three(ada):
    """A judged build of two crates, one of other ones, and one that failed."""
    made = {}
    for number, (name, dependencies) in enumerate({"kex": [("serde", "1.0.228"), ("xz2", "0.1.7")], "rip": [("serde", "1.0.1")]}.items()):
        nonce = bytes([number + 1] * 16)
        uri = f"https://example.org/team/{name}.git"
        result = result_make(nonce=nonce, uri=uri, commit=f"{number + 1}a" * 20, subjects={name: name.encode()}, dependencies=dependencies)
        made[name] = build_make(ada, tarball=result.tarball, nonce=nonce, repo_url=uri, label=f"release {number}", repo_ref="main")
        report_create(build=made[name], now=timezone.now())
    made["bad"] = build_make(ada, repo_url="https://example.org/team/bad.git", state=State.FAILED)
    build_index(made["bad"].pk)
    return made


def _found(client, made, **parameters):
    page = client.get(HISTORY, parameters, follow=True).context["page"]
    names = {build.uid: name for name, build in made.items()}
    return [names[row.uid] for row in page.rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("serde -xz2", ["rip"]),
        ("serde release", ["rip", "kex"]),
        ("serde kex", ["kex"]),
        ('"release 1"', ["rip"]),
        ("verdict:simulated", ["rip", "kex"]),
        ("-verdict:simulated", ["bad"]),
        ("state:failed", ["bad"]),
        ("state:failed state:done", ["bad", "rip", "kex"]),
        ("-state:failed", ["rip", "kex"]),
        ("dep:serde dep:xz2", ["kex"]),
        ("dep:serde@1.0.1", ["rip"]),
        ("dep:pkg:cargo/serde", ["rip", "kex"]),
        ("repo:team/rip", ["rip"]),
        ("repo:kex repo:bad", ["bad", "kex"]),
        ("file:kex", ["kex"]),
        ("label:elease", ["rip", "kex"]),
        ("ref:main", ["rip", "kex"]),
        ("tool:1.93.1", ["rip", "kex"]),
        ("toolchain:cargo -dep:xz2", ["rip"]),
        ("platform:snp", ["rip", "kex"]),
        ("platform:tdx", []),
        ("origin:upload", []),
        ("by:me verdict:simulated", ["rip", "kex"]),
        ("by:ADA state:failed", ["bad"]),
        ("by:nobody", []),
        ("commit:1a1a", ["kex"]),
        ("1a1a1a verdict:simulated", ["kex"]),
        ("1a1a1a state:failed", []),
        ("1a1a1a serde", ["kex"]),
        ("1a1a1a -serde", []),
        ("after:2000 before:2001", []),
        ("after:yesterday serde", ["rip", "kex"]),
        ("before:yesterday serde", []),
    ],
)
def test_words_and_filters_together(client, three, query, expected):
    assert _found(client, three, q=query) == expected


def test_exact_values_of_evidence_are_found(client, three):
    index = BuildIndex.objects.get(build=three["kex"])
    for query in (index.measurement.upper(), index.chip_id, f"measurement:{index.measurement}", f"chip:{index.chip_id}"):
        assert _found(client, three, q=query) == ["rip", "kex"]
    assert _found(client, three, q=index.merkle_root) == ["kex"]


def test_running_builds_are_filtered_too(client, ada, three):
    running = build_make(ada, repo_url="https://example.org/team/run.git", repo_ref="main", label="slow")
    made = {**three, "run": running}
    assert _found(client, made, q="state:running") == ["run"]
    assert _found(client, made, q="slow -state:running") == []
    assert _found(client, made, q="ref:main repo:team") == ["run", "rip", "kex"]
    assert _found(client, made, q="slow verdict:simulated") == []
    assert _found(client, made, q="team -label:slow") == ["bad", "rip", "kex"]


def test_typed_filters_become_parameters_and_chips(client, three):
    answer = client.get(HISTORY, {"q": "serde verdict:simulated -dep:xz2", "state": "done"})
    assert answer.status_code == 302
    assert answer["Location"] == "/builds/?q=serde&verdict=simulated&state=done&dep=-xz2"
    page = client.get(answer["Location"]).context["page"]
    assert page.query == "serde"
    assert [(chip.name, chip.value, chip.is_excluded) for chip in page.chips] == [
        ("verdict", "simulated", False),
        ("state", "done", False),
        ("dep", "-xz2", True),
    ]
    assert page.chips[2].url == "/builds/?q=serde&verdict=simulated&state=done"


def test_while_typing_the_text_stays_and_the_filter_works(client, three):
    answer = client.get(HISTORY, {"q": "serde verdict:failed"}, headers={"HX-Request": "true"})
    page = answer.context["page"]
    assert (page.query, page.rows) == ("serde verdict:failed", ())
    assert [chip.is_typed for chip in page.chips] == [True]
    assert 'name="verdict"' not in answer.content.decode()


def test_what_was_not_understood_is_on_the_page(client, three):
    content = client.get(HISTORY, {"q": "verdict:good foo:bar"}).content.decode()
    assert "«verdict:» has no value «good»" in content
    assert "«foo:» is no filter" in content


def test_log_text_leads_to_the_log_of_the_build_named(client, three):
    uid = three["kex"].uid
    hint = client.get(HISTORY, {"q": f"log:panic {uid}"}).context["page"].log_hint
    assert hint.url == f"/builds/{uid}/log/?q=panic"
    assert client.get(HISTORY, {"q": "log:panic"}).context["page"].log_hint.url == ""
    client.force_login(person_make("bob"))
    assert client.get(HISTORY, {"q": f"log:panic {uid}"}).context["page"].log_hint.url == ""


def _counts(page):
    return {(group.name, option.value): option.count for group in page.filters for option in group.options}


def test_counts_are_of_what_matches_and_of_nothing_hidden(client, ada, three):
    build_make(person_make("bob"), state=State.FAILED)
    page = client.get(HISTORY).context["page"]
    counts = _counts(page)
    assert counts["verdict", "simulated"] == 2
    assert counts["state", "failed"] == 1
    assert counts["platform", "snp"] == 2
    assert counts["toolchain", "cargo"] == 2
    assert counts["repo", "https://example.org/team/kex.git"] == 1
    assert page.counted == 3
    page = client.get(HISTORY, {"verdict": "simulated"}).context["page"]
    assert _counts(page)["verdict", "simulated"] == 2
    assert _counts(page)["verdict", "failed"] is None


def test_counts_are_capped_and_say_so(client, three, monkeypatch):
    monkeypatch.setattr(selectors, "COUNT_CAP", 2)
    answer = client.get(HISTORY)
    assert answer.context["page"].counted == 2
    assert "count the newest 2 builds" in answer.content.decode()


def test_facet_of_a_repository_is_exact(client, ada, three):
    other = build_make(ada, repo_url="https://example.org/team/kex.git.old.git", state=State.FAILED)
    build_index(other.pk)
    assert _found(client, three, repo="https://example.org/team/kex.git") == ["kex"]


def test_spellings_of_one_repository_are_one_line_and_one_filter(client, ada, three):
    other = build_make(ada, repo_url="https://example.org/team/kex/", state=State.FAILED)
    build_index(other.pk)
    group = next(group for group in client.get(HISTORY).context["page"].filters if group.name == "repo")
    (option,) = [option for option in group.options if option.word == "example.org/team/kex"]
    assert (option.count, option.is_on) == (2, False)
    page = client.get(option.url).context["page"]
    assert {row.uid for row in page.rows} == {other.uid, three["kex"].uid}
    for spelled in ("https://example.org/team/kex", "https://example.org/team/kex.git"):
        page = client.get(HISTORY, {"repo": spelled}).context["page"]
        (option,) = [option for group in page.filters if group.name == "repo" for option in group.options]
        assert option.is_on
        assert option.url == HISTORY


def test_plots_count_days_and_lead_to_them(client, ada, three):
    Build.objects.filter(pk=three["bad"].pk).update(created_at=timezone.now() - timedelta(days=2))
    page = client.get(HISTORY).context["page"]
    builds, times = page.plots
    assert "3 builds from" in builds.summary
    assert "of which 1 failed" in builds.summary
    assert builds.bars[-1].figures == ("2", "0")
    assert builds.bars[-3].figures == ("1", "1")
    assert len(builds.bars) == len(times.bars) == selectors.PLOT_DAYS
    assert _found(client, three) == ["bad", "rip", "kex"]
    assert [row.uid for row in client.get(builds.bars[-3].url).context["page"].rows] == [three["bad"].uid]


def test_plots_of_a_search_are_of_its_builds(client, three):
    page = client.get(HISTORY, {"q": "kex"}).context["page"]
    (bar,) = page.plots[0].bars
    assert bar.figures[0] == "1"
    # One day is no block that fills the picture.
    assert bar.width <= BAR_WIDEST
    assert bar.x + bar.width // 2 == WIDTH // 2


def test_days_that_are_over_are_kept_and_counted_again_when_they_change(client, ada, three):
    now = timezone.now()
    before = now - timedelta(days=3)
    Build.objects.update(created_at=before, finished_at=before + timedelta(seconds=100))
    assert days.days_count(now) >= 1
    assert sum(DayCount.objects.filter(owner_id=ada.pk).values_list("builds", flat=True)) == 3
    assert not DayStale.objects.filter(day__lt=now.date()).exists()
    summary = client.get(HISTORY).context["page"].plots[0].summary
    assert "3 builds from" in summary
    report_create(build=three["kex"], now=now, trigger="again")
    assert days.days_count(now) == 1
    assert client.get(HISTORY).context["page"].plots[0].summary == summary
    client.force_login(person_make("bob"))
    assert client.get(HISTORY).context["page"].plots == ()


def test_suggestions_are_filters_values_and_names(client, three):
    def suggested(text):
        return re.findall(r'data-text="([^"]*)"', client.get("/builds/suggest/", {"q": text}).content.decode())

    assert suggested("ver") == ["verdict:"]
    assert "verdict:simulated " in suggested("verdict:sim")
    assert suggested("serd") == ["dep:serde "]
    assert suggested("x -serd") == ["x -dep:serde "]
    assert "repo:example.org " in suggested("exam")
    assert suggested("repo:serd") == []
    assert "label:&quot;release 0&quot; " in suggested("relea")
    assert suggested("") == suggested("e") == suggested("nonsense:x") == []


def test_newer_names_of_others_do_not_crowd_out_ones_own(client, three):
    result = result_make(nonce=bytes([9] * 16), dependencies=[(f"serd-{number}", "1.0.0") for number in range(40)])
    report_create(build=build_make(person_make("grace"), tarball=result.tarball, nonce=bytes([9] * 16)), now=timezone.now())
    assert b"dep:serde " in client.get("/builds/suggest/", {"q": "serd"}).content


def test_suggestions_name_nothing_that_is_hidden(client, three, settings):
    client.force_login(person_make("bob"))
    assert b"serde" not in client.get("/builds/suggest/", {"q": "serd"}).content
    settings.BUILDS_VISIBLE_TO = "everyone"
    assert b"serde" in client.get("/builds/suggest/", {"q": "serd"}).content


def test_filters_cannot_reach_what_is_hidden(client, three):
    client.force_login(person_make("bob"))
    kex = three["kex"]
    for query in ("by:ada", "verdict:simulated", "-verdict:failed", kex.uid, "1a1a", "commit:1a1a", "state:failed", kex.evidence_sha256):
        assert _found(client, three, q=query) == []


@pytest.mark.django_db(transaction=True)
def test_seeded_history_is_found_counted_and_marked(client):
    call_command("seed", builds=300, seed=7, stdout=_Silent())
    root = person_make("root", is_administrator=True)
    client.force_login(root)
    assert Build.objects.count() == 300
    first = client.get(HISTORY)
    page = first.context["page"]
    assert all(row.is_seeded for row in page.rows)
    assert first.content.decode().count("Seeded, invented") == len(page.rows)
    assert "is-confirmed" not in first.content.decode()
    assert all("invented" in row.headline for row in page.rows if row.verdict)
    found = client.get(HISTORY, {"q": "dep:serde verdict:confirmed"}, follow=True).context["page"]
    assert 0 < len(found.rows) <= found.count < 300
    assert sum(DayCount.objects.filter(owner_id=days.EVERYONE).values_list("builds", flat=True)) in (299, 300)
    build_make(root)
    with pytest.raises(CommandError, match="real builds"):
        call_command("seed", builds=1, stdout=_Silent())


class _Silent:
    def write(self, *_args):
        pass

    def flush(self):
        pass

    def isatty(self):
        return False
