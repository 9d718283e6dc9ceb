"""A build once more: a build of its own, linked to the earlier one, once for each click, and never silently beside an unknown one."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from kettle_web.builds import again
from kettle_web.builds.again import again_block, build_again
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Attempt, Build, Endpoint
from kettle_web.builds.services import Source, build_create
from kettle_web.builds.states import State
from kettle_web.core.blobs import blob_write_bytes
from tests.at_once import at_once

pytestmark = pytest.mark.django_db
COMMIT, OTHER = "11" * 20, "22" * 20


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every ref points to now."""
    commit = [COMMIT]
    monkeypatch.setattr(again, "repository_commit", lambda repository: commit[0])
    return commit


@pytest.fixture
def failed(build_make) -> Build:
    """A build that the network let down."""
    build = build_make(repo_ref="main", resolved_commit=COMMIT, label="nightly")
    build.attempts.update(outcome=Attempt.Outcome.REFUSED)
    Build.objects.filter(id=build.id).update(state=State.FAILED, fault="network", finished_at=timezone.now())
    build.refresh_from_db()
    return build


@pytest.fixture
def archive(owner: User, endpoint: Endpoint) -> Build:
    """A build of an archive that is done."""
    blob = blob_write_bytes(b"an archive")
    source = Source(blob.sha256_hex, "a.tar.gz", blob.size, git_tree="33" * 20, claimed_commit=COMMIT)
    build = build_create(owner=owner, endpoint=endpoint, origin="upload", source=source)
    Build.objects.filter(id=build.id).update(state=State.DONE, finished_at=timezone.now())
    build.refresh_from_db()
    return build


def click(user: User, build: Build, **data: str):
    client = Client()
    client.force_login(user)
    return client.post(f"/builds/{build.uid}/again/", {"submission_key": "one", **data})


def newest() -> Build:
    return Build.objects.order_by("-id")[0]


def page(user: User, build: Build) -> str:
    client = Client()
    client.force_login(user)
    return client.get(f"/builds/{build.uid}/").content.decode()


def test_retry_is_the_same_request_as_a_build_of_its_own(owner: User, failed: Build, queued, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = click(owner, failed, way="retry")
    new = newest()
    assert answer["Location"] == f"/builds/{new.uid}/"
    assert (new.again_of_id, new.again_way, new.label, new.state) == (failed.id, "retry", "nightly", State.QUEUED)
    assert (new.repo_url, new.repo_ref, new.resolved_commit) == (failed.repo_url, "main", COMMIT)
    assert new.attempts.get().nonce != failed.attempts.get().nonce
    assert queued[-1] == ("builds.submit_build", new.id)
    failed.refresh_from_db()
    assert failed.state == State.FAILED


def test_both_pages_name_the_other_build(owner: User, failed: Build) -> None:
    click(owner, failed, way="retry")
    new = newest()
    assert f"/builds/{new.uid}/" in page(owner, failed)
    shown = page(owner, new)
    assert f"/builds/{failed.uid}/" in shown
    assert "A retry of" in shown


def test_retry_of_a_ref_that_moved_on_asks_for_the_same_commit(owner: User, failed: Build, present: list[str]) -> None:
    present[0] = OTHER
    click(owner, failed, way="retry")
    assert (newest().repo_ref, newest().resolved_commit) == (COMMIT, COMMIT)


def test_present_commit_keeps_the_ref(owner: User, failed: Build, present: list[str]) -> None:
    present[0] = OTHER
    click(owner, failed, way="present")
    assert (newest().repo_ref, newest().resolved_commit, newest().again_way) == ("main", OTHER, "present")


def test_same_archive_is_sent_again_with_all_that_was_found_in_it(owner: User, archive: Build) -> None:
    click(owner, archive, way="same")
    new = newest()
    assert new.again_of_id == archive.id
    for column in ("source_sha256", "source_name", "source_size", "source_git_tree", "source_claimed_commit", "origin"):
        assert getattr(new, column) == getattr(archive, column), column


def test_button_pressed_twice_is_one_build(owner: User, failed: Build) -> None:
    first, second = click(owner, failed, way="retry"), click(owner, failed, way="retry")
    assert first["Location"] == second["Location"]
    assert Build.objects.filter(again_of=failed).count() == 1


@pytest.mark.django_db(transaction=True)
def test_button_pressed_many_times_at_once_is_one_build(owner: User, failed: Build) -> None:
    answers = at_once(lambda _number: click(owner, failed, way="retry")["Location"])
    assert len(set(answers)) == 1
    assert Build.objects.filter(again_of=failed).count() == 1


@pytest.mark.parametrize("state", [State.QUEUED, State.SUBMITTING, State.BUILDING, State.FETCHING, State.VERIFYING])
def test_running_build_offers_nothing_and_takes_nothing(owner: User, failed: Build, state: State) -> None:
    Build.objects.filter(id=failed.id).update(state=state)
    failed.refresh_from_db()
    assert again_block(failed, owner).ways == ()
    click(owner, failed, way="retry")
    assert Build.objects.count() == 1


def test_source_at_fault_is_no_reason_to_retry(owner: User, failed: Build) -> None:
    Build.objects.filter(id=failed.id).update(fault="source")
    failed.refresh_from_db()
    assert [way.value for way in again_block(failed, owner).ways] == ["same", "present"]
    click(owner, failed, way="retry")
    assert Build.objects.count() == 1


def test_import_is_never_built_again(owner: User, archive: Build) -> None:
    Build.objects.filter(id=archive.id).update(origin="import")
    archive.refresh_from_db()
    assert again_block(archive, owner).ways == ()


@pytest.mark.parametrize("way", ["", "present", "everything"])
def test_way_that_is_not_open_is_refused(owner: User, archive: Build, way: str) -> None:
    click(owner, archive, way=way)
    assert Build.objects.count() == 1


def test_commit_that_was_asked_for_has_no_later_one(owner: User, failed: Build) -> None:
    Build.objects.filter(id=failed.id).update(repo_ref=COMMIT)
    failed.refresh_from_db()
    assert [way.value for way in again_block(failed, owner).ways] == ["retry"]


@pytest.mark.parametrize("kind", ["service", "one-shot"])
def test_unknown_outcome_is_said_and_has_to_be_confirmed(owner: User, failed: Build, kind: str) -> None:
    failed.attempts.update(outcome=Attempt.Outcome.UNKNOWN)
    Endpoint.objects.update(kind=kind)
    failed.refresh_from_db()
    shown = page(owner, failed)
    assert "built twice" in shown
    assert ("takes another one" in shown) == (kind == "one-shot")
    click(owner, failed, way="retry")
    assert Build.objects.count() == 1
    click(owner, failed, way="retry", confirmed="1")
    assert newest().again_of_id == failed.id


def test_build_that_is_no_longer_followed_may_run_still(owner: User, failed: Build) -> None:
    Build.objects.filter(id=failed.id).update(state=State.ABANDONED, fault="", job_id="abc")
    failed.refresh_from_db()
    assert again_block(failed, owner).warning
    with pytest.raises(BuildError, match="cannot be told to cancel"):
        build_again(build=failed, owner=owner, way="same", submission_key="x")
    Build.objects.filter(id=failed.id).update(job_id="")
    failed.refresh_from_db()
    assert again_block(failed, owner).warning == ""


def test_archive_that_retention_let_go_of_is_not_built_again(owner: User, archive: Build) -> None:
    Build.objects.filter(id=archive.id).update(source_removed_at=timezone.now())
    archive.refresh_from_db()
    block = again_block(archive, owner)
    assert (block.ways, "upload it again" in block.refusal) == ((), True)
    click(owner, archive, way="same")
    assert Build.objects.count() == 1


def test_stranger_gets_404_and_makes_nothing(stranger: User, failed: Build) -> None:
    assert click(stranger, failed, way="retry").status_code == 404
    assert Build.objects.count() == 1


def test_someone_who_may_only_look_is_offered_nothing(stranger: User, failed: Build, settings) -> None:
    settings.BUILDS_VISIBLE_TO = "everyone"
    assert again_block(failed, stranger).ways == ()
    assert click(stranger, failed, way="retry").status_code == 404
    assert Build.objects.count() == 1


def test_administrator_repeats_it_as_their_own(administrator: User, owner: User, failed: Build) -> None:
    click(administrator, failed, way="retry")
    assert newest().owner_id == administrator.pk
    # The owner may not see it, so their page does not name it.
    assert newest().uid not in page(owner, failed)


def test_switched_off_server_is_replaced_by_the_default_one(owner: User, failed: Build) -> None:
    other = Endpoint.objects.create(name="other", base_url="http://127.0.0.1:10")
    Endpoint.objects.filter(id=failed.endpoint_id).update(is_enabled=False)
    failed.refresh_from_db()
    block = again_block(failed, owner)
    assert "takes no builds any more: it goes to «other»" in block.elsewhere
    assert "Retry" in page(owner, failed)
    assert "it goes to «other»" in page(owner, failed)
    click(owner, failed, way="retry", place=block.place)
    assert newest().endpoint_id == other.id


def test_source_goes_to_nobody_whom_the_person_was_not_told_of(owner: User, failed: Build) -> None:
    told = again_block(failed, owner)
    assert (told.place, told.elsewhere) == (f"endpoint-{failed.endpoint_id}", "")
    Endpoint.objects.create(name="other", base_url="http://127.0.0.1:10", operator="Machines Inc")
    Endpoint.objects.filter(id=failed.endpoint_id).update(is_enabled=False)
    answer = click(owner, failed, way="retry", place=told.place)
    assert answer["Location"] == f"/builds/{failed.uid}/"
    assert Build.objects.count() == 1
    assert "Machines Inc operates that and may be able to read the source" in page(owner, failed)


def test_site_without_a_server_offers_nothing(owner: User, failed: Build) -> None:
    Endpoint.objects.update(is_enabled=False)
    failed.refresh_from_db()
    block = again_block(failed, owner)
    assert block.ways == ()
    assert "knows no Kettle server" in block.refusal


def test_get_is_not_allowed(owner: User, failed: Build) -> None:
    client = Client()
    client.force_login(owner)
    assert client.get(f"/builds/{failed.uid}/again/").status_code == 405
