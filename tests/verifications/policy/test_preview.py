from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.verifications import tasks
from kettle_web.verifications.models import Report
from kettle_web.verifications.policy import changes, preview
from kettle_web.verifications.policy.changes import preview_of_adding, preview_of_ending
from kettle_web.verifications.policy.services import entry_row
from tests.verifications.policy.world import entry_make, judged_again, judged_build, values

pytestmark = pytest.mark.django_db


def _adding(actor, **overrides):
    now = timezone.now()
    return preview_of_adding([entry_row(values(**overrides), actor=actor, now=now)], now=now)


def _counts(found):
    return {(row.before, row.after): row.count for row in found.counts}


def test_adding_moves_unpinned_to_confirmed_and_so_does_judging_again(ada, hardware):
    build = judged_build(ada)
    assert build.verdict == "unpinned"
    found = _adding(ada)
    assert _counts(found) == {("unpinned", "confirmed"): 1}
    assert (found.moves[0].uid, found.examined, found.is_capped) == (build.uid, 1, False)
    entry_make(ada)
    assert judged_again(build).verdict == "confirmed"


def test_adding_with_a_minimum_that_is_not_reached_moves_to_failed_and_so_does_judging_again(ada, hardware):
    build = judged_build(ada)
    assert _counts(_adding(ada, minimum_tcb={"microcode": 255})) == {("unpinned", "failed"): 1}
    entry_make(ada, minimum_tcb={"microcode": 255})
    assert judged_again(build).verdict == "failed"


def test_stricter_entry_moves_confirmed_to_failed(ada, hardware):
    entry_make(ada)
    assert judged_build(ada).verdict == "confirmed"
    assert _counts(_adding(ada, name="stricter", minimum_tcb={"microcode": 255})) == {("confirmed", "failed"): 1}


def test_ending_moves_confirmed_back_to_unpinned(ada, hardware):
    entry = entry_make(ada)
    judged_build(ada)
    assert _counts(preview_of_ending(entry, now=timezone.now())) == {("confirmed", "unpinned"): 1}


def test_ending_one_of_two_entries_for_an_image_moves_nothing(ada, hardware):
    entry = entry_make(ada)
    entry_make(ada, name="the same again")
    judged_build(ada)
    assert preview_of_ending(entry, now=timezone.now()).moved == 0


def test_entry_for_another_image_looks_at_nothing(ada, hardware):
    judged_build(ada)
    found = _adding(ada, measurement="ab" * 48)
    assert (found.moved, found.examined) == (0, 0)


def test_entry_for_another_platform_moves_nothing(ada, hardware):
    judged_build(ada)
    assert _adding(ada, platform="az-snp", pcrs={"4": "ab" * 32}).moved == 0


def test_simulated_builds_are_counted_and_never_moved(ada):
    build = judged_build(ada)
    found = _adding(ada)
    assert (found.moved, found.simulated) == (0, 1)
    entry_make(ada)
    assert judged_again(build).verdict == "simulated"


def test_entry_that_begins_later_is_judged_for_then(ada, hardware):
    judged_build(ada)
    found = _adding(ada, in_force_from=timezone.now() + timedelta(days=3))
    assert found.is_later
    assert _counts(found) == {("unpinned", "confirmed"): 1}


def test_newest_report_of_each_build_is_what_counts(ada, hardware):
    build = judged_build(ada)
    entry = entry_make(ada)
    judged_again(build)
    assert _counts(preview_of_ending(entry, now=timezone.now())) == {("confirmed", "unpinned"): 1}


def test_more_builds_than_are_looked_at_are_said(ada, hardware, monkeypatch):
    monkeypatch.setattr(preview, "MAX_EXAMINED", 1)
    judged_build(ada, number=1)
    newest = judged_build(ada, number=2)
    found = _adding(ada)
    assert (found.examined, found.is_capped, found.moves[0].uid) == (1, True, newest.uid)


def test_report_that_cannot_be_read_moves_nothing(ada, hardware):
    build = judged_build(ada)
    Report.objects.filter(build=build).update(document={"old": True})
    assert _adding(ada).moved == 0


def test_queries_do_not_grow_with_builds(ada, hardware):
    def count():
        with CaptureQueriesContext(connection) as queries:
            _adding(ada)
        return len(queries)

    judged_build(ada, number=1)
    one = count()
    for number in range(2, 6):
        judged_build(ada, number=number)
    assert Build.objects.count() == 5
    assert count() == one


def test_builds_beyond_the_first_page_are_judged_again_in_the_background(ada, hardware, monkeypatch):
    monkeypatch.setattr(preview, "MAX_EXAMINED", 2)
    builds = [judged_build(ada, number=number) for number in range(1, 6)]
    found = _adding(ada)
    entry_make(ada)
    queue, judged = [], []
    monkeypatch.setattr(changes, "enqueue", lambda name, *args: queue.append((name, args)))
    assert changes.moved_verify_again(found) == 2
    while queue:
        name, args = queue.pop(0)
        if name == "verifications.verify_moved_again":
            tasks.verify_moved_again(*args)
        else:
            judged.append(args[0])
    assert sorted(judged) == [build.pk for build in builds]
