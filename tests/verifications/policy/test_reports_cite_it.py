import pytest
from django.utils import timezone

from kettle_web.verification.report import report_from_json
from kettle_web.verifications.models import PolicyVersion
from kettle_web.verifications.policy.in_force import policy_in_force
from kettle_web.verifications.policy.services import entry_approve, entry_end
from tests.verifications.policy.world import MEASUREMENT, entry_make, judged_again, judged_build

pytestmark = pytest.mark.django_db


def _report(build):
    return report_from_json(build.reports.first().document)


def test_report_cites_the_version_and_its_document_is_kept(ada, hardware):
    entry_make(ada)
    build = judged_build(ada)
    row = build.reports.first()
    assert row.policy_version == _report(build).policy_version == policy_in_force(timezone.now()).version
    assert MEASUREMENT in PolicyVersion.objects.get(pk=row.policy_version).document


def test_report_under_the_empty_list_cites_it_too(ada, hardware):
    row = judged_build(ada).reports.first()
    assert PolicyVersion.objects.get(pk=row.policy_version).entry_count == 0


def test_confirmed_names_the_image_and_who_pinned_it(ada, grace, settings, hardware):
    settings.POLICY_NEEDS_SECOND_APPROVER = True
    entry = entry_make(ada)
    build = judged_build(ada)
    assert build.verdict == "unpinned"
    entry_approve(entry=entry, actor=grace, now=timezone.now())
    assert "by Kettle image 7, pinned by ada, approved by grace, in" in judged_again(build).headline


def test_earlier_reports_keep_their_verdict_and_version_when_an_entry_ends(ada, hardware):
    entry = entry_make(ada)
    build = judged_build(ada)
    entry_end(entry=entry, actor=ada, reason="a flaw", now=timezone.now())
    judged_again(build)
    newest, first = build.reports.all()
    assert (newest.verdict, first.verdict) == ("unpinned", "confirmed")
    assert newest.policy_version != first.policy_version
    assert PolicyVersion.objects.filter(pk__in=[newest.policy_version, first.policy_version]).count() == 2


def test_minimum_firmware_that_holds_is_no_longer_among_what_was_not_checked(ada, hardware):
    entry_make(ada, minimum_tcb={"microcode": 1})
    report = _report(judged_build(ada))
    assert report.now.verdict == "confirmed"
    assert not any("firmware" in item.text for item in report.not_checked)
    assert "firmware level" not in report.now.headline.text


def test_without_a_minimum_the_firmware_level_is_said_to_be_unchecked(ada, hardware):
    entry_make(ada)
    report = _report(judged_build(ada))
    assert any("firmware" in item.text for item in report.not_checked)
    assert "firmware level" in report.now.headline.text


def test_image_that_isolates_the_build_is_believed_by_its_entry(ada, hardware):
    entry_make(ada, isolates_build="yes")
    report = _report(judged_build(ada))
    assert next(check for check in report.checks if check.code == "image.isolation").outcome == "pass"
    assert not any("sandbox" in item.text for item in report.does_not_prove)


def test_simulated_evidence_is_never_confirmed_by_an_entry(ada):
    entry_make(ada)
    assert judged_build(ada).verdict == "simulated"
