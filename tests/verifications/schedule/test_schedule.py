from datetime import timedelta

import pytest
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.core.blobs import blob_name
from kettle_web.verifications.models import JudgementDue, Report, SameAgain
from kettle_web.verifications.policy import changes
from kettle_web.verifications.policy.services import entry_end
from kettle_web.verifications.schedule import passes
from kettle_web.verifications.schedule.due import due_take, interval
from kettle_web.verifications.schedule.same import finding_key
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.policy.world import entry_make, hardware, judged_build  # noqa: F401 - a fixture.

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _files(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }


@pytest.fixture
def ada():
    return person_make("ada", is_administrator=True)


@pytest.fixture
def build(ada):
    return judged_build(ada)


def _reports(build):
    return list(Report.objects.filter(build=build).order_by("pk"))


def test_young_builds_are_judged_daily_grown_ones_weekly_old_ones_monthly(settings):
    settings.REVERIFY_EVERY_DAYS = (1, 7, 30)
    assert [interval(DAY * age) for age in (0, 29, 31, 364, 366)] == [DAY, DAY, DAY * 7, DAY * 7, DAY * 30]
    settings.REVERIFY_EVERY_DAYS = None
    assert interval(DAY) is None


def test_report_sets_when_its_build_is_due_again(build):
    due = JudgementDue.objects.get(build=build)
    assert abs(due.due_at - timezone.now() - DAY) < timedelta(minutes=1)
    assert passes.due_judge(timezone.now()) == 0


def test_same_finding_on_schedule_is_noted_and_not_stored_again(build):
    first = timezone.now() + DAY * 2
    for at in (first, first + DAY * 2, first + DAY * 4):
        assert passes.due_judge(at) == 1
    (report,) = _reports(build)
    (run,) = SameAgain.objects.filter(report=report)
    assert (run.count, run.trigger, run.first_at, run.last_at) == (3, "schedule", first, first + DAY * 4)
    assert report.same_until == first + DAY * 4
    assert JudgementDue.objects.get(build=build).due_at == first + DAY * 5


def test_other_finding_on_schedule_is_a_report_of_its_own(build, hardware):  # noqa: F811
    """The anchor of the test world is new since the first report."""
    passes.due_judge(timezone.now() + DAY * 2)
    first, second = _reports(build)
    assert (first.verdict, second.verdict, second.trigger) == ("simulated", "unpinned", "schedule")
    assert first.same_until is None
    build.refresh_from_db()
    assert build.verdict == "unpinned"


def test_report_that_someone_asked_for_is_always_kept(build):
    report_create(build=build, now=timezone.now(), trigger=Report.Trigger.AGAIN)
    assert [report.trigger for report in _reports(build)] == ["arrival", "again"]
    assert not SameAgain.objects.exists()


def test_other_allow_list_that_changes_nothing_begins_a_new_run(ada):
    entry_make(ada, measurement="cd" * 48)
    build = judged_build(ada)
    passes.due_judge(timezone.now() + DAY * 2)
    entry_make(ada, measurement="ab" * 48)
    passes.due_judge(timezone.now() + DAY * 4)
    newest, oldest = SameAgain.objects.all()
    assert newest.policy_version != oldest.policy_version
    assert (newest.count, oldest.count, len(_reports(build))) == (1, 1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"evidence_sha256": "00"},
        {"claims": {}},
        {"collateral": {"crl": "other"}},
        {"policy_entry": {"name": "other"}},
        {"checks": []},
        {"schema_version": 99},
    ],
)
def test_what_a_finding_rests_on_makes_it_another(build, change):
    document = _reports(build)[0].document
    assert finding_key(document | change) != finding_key(document)


def test_outcome_of_one_check_makes_it_another_finding(build):
    document = _reports(build)[0].document
    checks = [dict(check) for check in document["checks"]]
    checks[7]["outcome"] = "error"
    assert finding_key(document | {"checks": checks}) != finding_key(document)


def test_longest_waiting_is_judged_first_and_a_pass_is_bounded(ada, monkeypatch):
    builds = [judged_build(ada, number=number) for number in range(1, 4)]
    now = timezone.now()
    for back, build in enumerate(builds):
        JudgementDue.objects.filter(build=build).update(due_at=now - DAY * (back + 1))
    monkeypatch.setattr(passes, "PASS_BUILDS", 2)
    monkeypatch.setattr(passes, "TAKE", 1)
    assert passes.due_judge(now) == 2
    assert list(JudgementDue.objects.filter(due_at__lte=now).values_list("build_id", flat=True)) == [builds[0].pk]
    assert passes.due_judge(now) == 1
    assert passes.due_judge(now) == 0


def test_two_workers_do_not_take_the_same_build(build):
    later = timezone.now() + DAY * 2
    assert due_take(now=later, most=5) == [build.pk]
    assert due_take(now=later, most=5) == []
    # The one that took it died.
    assert due_take(now=later + timedelta(hours=2), most=5) == [build.pk]


def test_build_whose_bytes_are_gone_does_not_keep_the_others_waiting(ada, tmp_path):
    broken, whole = judged_build(ada, number=1), judged_build(ada, number=2)
    (tmp_path / "files" / blob_name(broken.result_sha256)).unlink()
    later = timezone.now() + DAY * 2
    assert passes.due_judge(later) == 2
    row = JudgementDue.objects.get(build=broken)
    assert (row.tries, row.due_at, bool(row.error)) == (1, later + timedelta(hours=6), True)
    assert JudgementDue.objects.get(build=whole).tries == 0
    passes.due_judge(row.due_at)
    assert JudgementDue.objects.get(build=broken).due_at == row.due_at + timedelta(hours=12)


def test_build_that_broke_our_own_code_is_put_off(build, monkeypatch):
    def broken(**_kwargs):
        raise RuntimeError("ours")

    monkeypatch.setattr(passes, "report_create", broken)
    passes.due_judge(timezone.now() + DAY * 2)
    assert JudgementDue.objects.get(build=build).error == "RuntimeError"


def test_nothing_is_judged_where_the_schedule_is_off(build, settings):
    settings.REVERIFY_EVERY_DAYS = None
    assert passes.due_judge(timezone.now() + DAY * 400) == 0


def test_build_whose_files_were_let_go_of_keeps_its_verdict(build):
    Build.objects.filter(pk=build.pk).update(artifacts_removed_at=timezone.now())
    passes.due_judge(timezone.now() + DAY * 2)
    (report,) = _reports(build)
    assert report.same_until is None
    assert JudgementDue.objects.get(build=build).error == "its files were let go of"


def test_build_that_is_not_done_is_put_off(build):
    Build.objects.filter(pk=build.pk).update(state=State.FAILED)
    later = timezone.now() + DAY * 2
    passes.due_judge(later)
    assert len(_reports(build)) == 1
    assert JudgementDue.objects.get(build=build).due_at > later


@pytest.fixture
def queue(monkeypatch):
    sent = []
    monkeypatch.setattr(changes, "enqueue", lambda *message: sent.append(message))
    return sent


def test_entry_that_begins_by_its_date_has_its_builds_judged_again(ada, hardware, queue):  # noqa: F811
    build = judged_build(ada)
    now = timezone.now()
    entry_make(ada, in_force_from=now + DAY)
    assert passes.dates_look(now) == 0
    assert passes.dates_look(now + DAY / 2) == 0
    assert passes.dates_look(now + DAY * 2) == 1
    assert queue == [("verifications.verify_build_again", build.pk, "policy")]
    assert passes.dates_look(now + DAY * 3) == 0


def test_entry_that_runs_out_by_its_date_has_its_builds_judged_again(ada, hardware, queue):  # noqa: F811
    now = timezone.now()
    entry_make(ada, in_force_until=now + DAY)
    build = judged_build(ada)
    build.refresh_from_db()
    assert build.verdict == "confirmed"
    passes.dates_look(now)
    assert passes.dates_look(now + DAY * 2) == 1
    assert queue == [("verifications.verify_build_again", build.pk, "policy")]


def test_entry_that_was_ended_before_its_date_moves_nothing(ada, hardware, queue):  # noqa: F811
    now = timezone.now()
    judged_build(ada)
    entry = entry_make(ada, in_force_from=now + DAY)
    passes.dates_look(now)
    entry_end(entry=entry, actor=ada, reason="a mistake", now=timezone.now())
    assert passes.dates_look(now + DAY * 2) == 0
    assert queue == []


def test_earlier_report_says_until_when_it_was_found_again(client, ada, build):
    client.force_login(ada)
    passes.due_judge(timezone.now() + DAY * 2)
    page = client.get(f"/builds/{build.uid}/reports/1/")
    assert page.context["page"].same_again[0].count == 1
    assert "found exactly this again" in page.content.decode()
    assert "the same was found each time" in client.get(f"/builds/{build.uid}/").content.decode()
