"""What search can find is written with the report, and can be written anew from the stored documents."""

from __future__ import annotations

import hashlib
import io

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kettle_web.builds.services import build_fail
from kettle_web.builds.states import Fault, State
from kettle_web.verifications import rebuild
from kettle_web.verifications.models import Artifact, BuildIndex, BuildPackage, PackageDigest, Report, SearchRow, Term
from kettle_web.verifications.search import dictionary
from kettle_web.verifications.search.postings import Span, Wanted, builds_holding, builds_newest
from kettle_web.verifications.search.tokens import Family, Kind, token, token_split
from kettle_web.verifications.services import report_create
from kettle_web.verifications.tasks import index_build
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make, result_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return person_make("ada")


@pytest.fixture
def build(ada):
    build = build_make(ada, tarball=result_make().tarball, label="Release 1")
    report_create(build=build, now=timezone.now())
    build.refresh_from_db()
    return build


def found(*groups, **kwargs):
    return builds_newest(Wanted(tuple(group.tokens for group in groups), **kwargs), limit=100)


def _snapshot():
    return {
        "index": list(BuildIndex.objects.order_by("pk").values()),
        "artifacts": [
            (row.build_id, row.name, row.sha256_hex, row.size, row.is_stored) for row in Artifact.objects.order_by("build_id", "name")
        ],
        "packages": set(BuildPackage.objects.values_list("build_id", "package_id", "digest_id")),
        "tokens": dict(SearchRow.objects.values_list("pk", "tokens")),
    }


def test_numbers_of_different_rows_never_collide():
    values = {token(family, pk) for family in Family for pk in range(1, 100)}
    assert len(values) == 99 * len(Family)
    assert all(token(*token_split(value)) == value for value in values)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.ADDRESS, "example.org"),
        (Kind.ADDRESS, "hello"),
        (Kind.LABEL, "release 1"),
        (Kind.FILE, "hello"),
        (Kind.DEPENDENCY, "serde"),
        (Kind.TOOL, "1.93.1"),
        (Kind.TOOL, "rustc@1.93.1"),
        (Kind.TOOLCHAIN, "cargo"),
        (Kind.VERDICT, "simulated"),
        (Kind.STATE, "done"),
        (Kind.ORIGIN, "repository"),
    ],
)
def test_build_is_found_by_what_its_documents_say(build, kind, text):
    assert found(dictionary.whole(text, (kind,))) == [build.pk]


def test_build_is_found_by_what_its_evidence_says(build):
    index = BuildIndex.objects.get()
    assert len(index.measurement) == 96
    assert len(index.chip_id) == 128
    assert found(dictionary.whole(index.measurement.upper())) == [build.pk]
    assert found(dictionary.whole(index.chip_id)) == [build.pk]


def test_lists_are_met_newest_first_and_exclusions_hold(ada):
    builds = []
    for name in ("one", "two", "three"):
        result = result_make(nonce=hashlib.md5(name.encode()).digest(), subjects={name: name.encode()})
        builds.append(build_make(ada, tarball=result.tarball, nonce=hashlib.md5(name.encode()).digest()))
        report_create(build=builds[-1], now=timezone.now())
    one, two, three = (build.pk for build in builds)
    everything = dictionary.chosen(Kind.ALL, ["all"])
    file_two = dictionary.whole("two", (Kind.FILE,))
    assert found(everything) == [three, two, one]
    assert found(everything, file_two) == [two]
    assert found(everything, excluded=file_two.tokens) == [three, one]
    assert found(dictionary.parts("o"), everything) == []
    assert found(file_two | dictionary.whole("one")) == [two, one]
    assert found(everything, dictionary.chosen(Kind.VERDICT, ["confirmed"])) == []
    wanted = Wanted((everything.tokens,))
    assert builds_newest(wanted, limit=1) == [three]
    assert builds_newest(wanted, limit=9, span=Span(low=two, high=three)) == [two]
    assert builds_newest(Wanted((everything.tokens,), until=builds[1].created_at), limit=9) == [one]
    assert builds_newest(Wanted((everything.tokens,), since=builds[1].created_at), limit=9) == [three, two]
    assert builds_holding([one, two], Wanted((file_two.tokens,))) == {two}
    assert builds_newest(Wanted(()), limit=9) == []


def test_parts_of_words_are_found_and_wildcards_are_letters(ada, build):
    build_two = build_make(ada, label="100%_sure", state=State.FAILED)
    index_build(build_two.pk)
    assert found(dictionary.parts("leas")) == [build.pk]
    assert found(dictionary.parts("0%_s")) == [build_two.pk]
    assert found(dictionary.parts("0__s")) == []
    assert found(dictionary.parts("re")) == []
    assert found(dictionary.repositories("EXAMPLE.org/hel")) == [build_two.pk, build.pk]
    assert dictionary.repositories("ex").tokens == frozenset()


def test_too_many_names_are_said(ada, build, monkeypatch):
    Term.objects.bulk_create([Term(kind=Kind.LABEL.value, text=f"nightly {number}") for number in range(dictionary.GROUP_MAX + 1)])
    meant = dictionary.parts("nightly")
    assert meant.is_cut
    assert len(meant.tokens) == dictionary.GROUP_MAX


def test_second_verdict_replaces_the_row(build):
    before = SearchRow.objects.get().tokens
    report_create(build=build, now=timezone.now(), trigger=Report.Trigger.AGAIN)
    assert SearchRow.objects.get().tokens == before
    assert found(dictionary.whole("serde", (Kind.DEPENDENCY,))) == [build.pk]


def test_deleted_build_is_gone_from_the_postings(build):
    tokens = dictionary.chosen(Kind.ALL, ["all"])
    Report.objects.all().delete()
    build.delete()
    assert found(tokens) == []


def test_digest_of_a_dependency_is_kept_once_and_ambiguous_ones_are_left_open(ada):
    document = {"dependencies": [("serde", "1.0.0"), ("serde", "1.0.0"), ("xz2", "0.1.7")]}
    build = build_make(ada, tarball=result_make(**document).tarball)
    report_create(build=build, now=timezone.now())
    digest = f"sha256:{hashlib.sha256(b'xz2@0.1.7').hexdigest()}"
    assert BuildPackage.objects.get(package__name="xz2").digest == PackageDigest.objects.get(digest=digest)
    assert BuildPackage.objects.filter(build=build).count() == 2


def test_failed_build_is_indexed_by_its_task(ada, django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr("kettle_web.core.dispatch._send", lambda name, args: sent.append((name, args)))
    build = build_make(ada, repo_ref="v9", resolved_commit="ab" * 20)
    with django_capture_on_commit_callbacks(execute=True):
        build_fail(build.pk, fault=Fault.SOURCE, code="x", message="x")
    assert ("verifications.index_build", (build.pk,)) in sent
    index_build(build.pk)
    assert found(dictionary.whole("v9", (Kind.REF,))) == [build.pk]
    assert BuildIndex.objects.get().git_commit == "ab" * 20


def test_running_build_is_not_indexed(ada):
    build = build_make(ada)
    index_build(build.pk)
    assert not SearchRow.objects.exists()


def test_index_is_rebuilt_from_the_stored_documents_alone(ada, build):
    failed = build_make(ada, state=State.FAILED, label="broken")
    index_build(failed.pk)
    before = _snapshot()
    for model in (SearchRow, BuildPackage, Artifact, BuildIndex):
        model.objects.all().delete()
    call_command("reindex", stdout=io.StringIO())
    assert _snapshot() == before
    call_command("reindex", batch=1, stdout=io.StringIO())
    assert _snapshot() == before


def test_periodic_work_finds_what_the_index_lacks(ada, build):
    SearchRow.objects.all().delete()
    build_make(ada, state=State.ABANDONED)
    build_make(ada)
    assert rebuild.index_missing(timezone.now()) == 2
    assert rebuild.index_missing(timezone.now()) == 0


def test_report_of_another_version_stops_nothing(ada, build):
    Report.objects.update(document={"schema_version": 99})
    assert rebuild.index_quietly(build.pk)
    assert found(dictionary.whole("release 1", (Kind.LABEL,))) == [build.pk]


def test_queries_do_not_grow_with_dependencies(ada):
    counts = []
    for count in (1, 60, 300):
        nonce = bytes([count % 256] * 16)
        result = result_make(nonce=nonce, dependencies=[(f"crate-{count}-{number}", "1.0.0") for number in range(count)])
        build = build_make(ada, tarball=result.tarball, nonce=nonce)
        with CaptureQueriesContext(connection) as queries:
            report_create(build=build, now=timezone.now())
        counts.append(len(queries))
    assert len(set(counts[1:])) == 1
    assert max(counts) <= counts[0] <= 60
