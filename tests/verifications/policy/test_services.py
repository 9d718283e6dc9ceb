from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from kettle_web.verification.policy_json import policy_parse
from kettle_web.verifications.policy.document import document_version
from kettle_web.verifications.policy.errors import PolicyRefused
from kettle_web.verifications.policy.in_force import policy_in_force
from kettle_web.verifications.policy.models import AllowListEntry, KeptError, PolicyVersion
from kettle_web.verifications.policy.services import entries_add, entry_approve, entry_end
from tests.accounts.people import person_make
from tests.verifications.policy.world import MEASUREMENT, entry_make, values

pytestmark = pytest.mark.django_db
PCR = "ab" * 32
DAY = timedelta(days=1)


def _names(now=None):
    return [entry.name for entry in policy_in_force(now or timezone.now()).policy.entries]


def test_added_entry_is_in_force_with_everything_that_was_said(ada):
    entry_make(ada, minimum_tcb={"snp": 24}, isolates_build="no")
    entry = policy_in_force(timezone.now()).policy.entries[0]
    assert (entry.name, entry.kettle_release, entry.measurement, entry.pinned_by) == ("Kettle image 7", "0.9.1", MEASUREMENT, "ada")
    assert entry.minimum_tcb == {"snp": 24}
    assert entry.isolates_build_from_attester is False


def test_version_is_the_digest_of_a_document_that_the_verifier_reads(ada):
    entry_make(ada)
    policy = policy_in_force(timezone.now())
    assert policy.version == document_version(policy.document) == policy.policy.version
    assert policy_parse(policy.document) == policy.policy


def test_version_does_not_change_while_nothing_changes(ada):
    entry_make(ada)
    now = timezone.now()
    assert policy_in_force(now).version == policy_in_force(now + DAY).version


def test_every_change_keeps_the_document_that_it_leaves(ada):
    entry = entry_make(ada)
    first = policy_in_force(timezone.now())
    entry_end(entry=entry, actor=ada, reason="replaced", now=timezone.now())
    second = policy_in_force(timezone.now())
    assert first.version != second.version
    assert PolicyVersion.objects.get(pk=first.version).document.encode() == first.document
    assert PolicyVersion.objects.get(pk=second.version).entry_count == 0


def test_empty_list_recognises_nothing():
    policy = policy_in_force(timezone.now())
    assert policy.policy.entries == ()
    assert policy.version == document_version(b'{"entries":[],"schema":1}')


def test_later_entry_goes_before_an_earlier_one(ada):
    entry_make(ada, name="old")
    entry_make(ada, name="new")
    assert _names() == ["new", "old"]


def test_entry_counts_from_its_beginning_to_its_end(ada):
    now = timezone.now()
    entry_make(ada, in_force_from=now + DAY, in_force_until=now + 2 * DAY)
    assert [_names(now + part * DAY) for part in (0.5, 1.5, 2.5)] == [[], ["Kettle image 7"], []]


def test_ended_entry_stays_with_who_and_why(ada):
    entry = entry_make(ada)
    entry_end(entry=entry, actor=ada, reason="a flaw\nin it", now=timezone.now())
    row = AllowListEntry.objects.get(pk=entry.pk)
    assert (row.ended_by, row.end_reason) == (ada, "a flaw in it")
    assert _names() == []
    with pytest.raises(PolicyRefused) as caught:
        entry_end(entry=entry, actor=ada, reason="again", now=timezone.now())
    assert caught.value.code == "ended-already"


def test_ending_needs_a_reason(ada):
    with pytest.raises(PolicyRefused) as caught:
        entry_end(entry=entry_make(ada), actor=ada, reason=" \n ", now=timezone.now())
    assert caught.value.code == "no-reason"


def test_entry_is_never_overwritten_or_deleted(ada):
    entry = entry_make(ada)
    entry.name = "other"
    for forbidden in (entry.save, entry.delete, AllowListEntry.objects.all().delete):
        with pytest.raises(KeptError):
            forbidden()


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"platform": "az-snp"}, "azure-without-pcrs"),
        ({"platform": "az-snp", "pcrs": {"4": "00" * 32}}, "entry"),
        ({"platform": "az-tdx"}, "azure-without-pcrs"),
        ({"platform": "tdx"}, "entry"),
        ({"platform": "snp", "pcrs": {"4": PCR}}, "entry"),
        ({"platform": "sgx"}, "entry"),
        ({"measurement": "AB" * 48}, "entry"),
        ({"minimum_tcb": {"hope": 1}}, "entry"),
        ({"reason": "  "}, "entry"),
        ({"derivation": ""}, "entry"),
        ({"reason": "x" * 2001}, "too-long"),
        ({"name": "n" * 101}, "too-long"),
        ({"in_force_until": timezone.now() - DAY}, "until"),
    ],
)
def test_entry_is_refused_for(ada, overrides, code):
    with pytest.raises(PolicyRefused) as caught:
        entry_make(ada, **overrides)
    assert caught.value.code == code
    assert not AllowListEntry.objects.exists()


def test_azure_entry_with_a_register_is_taken(ada):
    entry_make(ada, platform="az-snp", pcrs={"4": PCR, "11": PCR})
    assert policy_in_force(timezone.now()).policy.entries[0].pcrs == {4: PCR, 11: PCR}


def test_tdx_entry_is_taken(ada):
    entry_make(ada, platform="tdx", rtmrs={"1": "cd" * 48})
    assert policy_in_force(timezone.now()).policy.entries[0].rtmrs == {1: "cd" * 48}


def test_same_entry_is_not_added_twice(ada):
    entry_make(ada)
    with pytest.raises(PolicyRefused) as caught:
        entry_make(ada)
    assert caught.value.code == "there-already"
    entry_end(entry=AllowListEntry.objects.get(), actor=ada, reason="mistake", now=timezone.now())
    entry_make(ada)


def test_of_several_entries_all_or_none_are_added(ada):
    with pytest.raises(PolicyRefused):
        entries_add([values(), values(platform="az-snp")], actor=ada, now=timezone.now())
    assert not AllowListEntry.objects.exists()


def test_only_administrators_change_the_list(ada):
    bob = person_make("bob")
    entry = entry_make(ada)
    for change in (
        lambda: entry_make(bob, name="x"),
        lambda: entry_end(entry=entry, actor=bob, reason="x", now=timezone.now()),
        lambda: entry_approve(entry=entry, actor=bob, now=timezone.now()),
    ):
        with pytest.raises(PolicyRefused) as caught:
            change()
        assert caught.value.code == "not-administrator"


def test_with_a_second_approver_an_entry_counts_once_another_approved(ada, grace, settings):
    settings.POLICY_NEEDS_SECOND_APPROVER = True
    entry = entry_make(ada)
    assert _names() == []
    with pytest.raises(PolicyRefused) as caught:
        entry_approve(entry=entry, actor=ada, now=timezone.now())
    assert caught.value.code == "own-entry"
    entry_approve(entry=entry, actor=grace, now=timezone.now())
    assert policy_in_force(timezone.now()).policy.entries[0].pinned_by == "ada, approved by grace"
    with pytest.raises(PolicyRefused) as caught:
        entry_approve(entry=entry, actor=grace, now=timezone.now())
    assert caught.value.code == "not-waiting"


def test_ended_entry_cannot_be_approved(ada, grace, settings):
    settings.POLICY_NEEDS_SECOND_APPROVER = True
    entry = entry_make(ada)
    entry_end(entry=entry, actor=ada, reason="mistake", now=timezone.now())
    with pytest.raises(PolicyRefused):
        entry_approve(entry=entry, actor=grace, now=timezone.now())


def test_database_itself_refuses_approval_by_whoever_added_it(ada):
    entry = entry_make(ada)
    with pytest.raises(IntegrityError), transaction.atomic():
        AllowListEntry.objects.filter(pk=entry.pk).update(approved_by=ada, approved_at=timezone.now())


def test_entry_that_the_verifier_no_longer_takes_stops_counting_and_the_rest_does_not(ada, caplog):
    entry_make(ada)
    broken = entry_make(ada, name="broken")
    AllowListEntry.objects.filter(pk=broken.pk).update(measurement="00")
    assert _names() == ["Kettle image 7"]
    assert broken.uid in caplog.text
