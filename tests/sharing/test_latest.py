import pytest
from django.test import Client
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.sharing.parts import PARTS_DEFAULT
from kettle_web.sharing.services import SharingError, Wanted, link_create
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import HELLO, build_make, result_make

pytestmark = pytest.mark.django_db


def newer(owner, *, name: str, nonce: int, **fields) -> Build:
    nonce_bytes = bytes([nonce] * 16)
    build = build_make(owner, tarball=result_make(nonce=nonce_bytes, subjects={name: HELLO}).tarball, nonce=nonce_bytes, **fields)
    report_create(build=build, now=timezone.now())
    return build


def shown(token: str) -> str:
    page = Client().get(f"/s/{token}/").context["page"]
    return page.report.artifacts[0].name


@pytest.fixture
def token(link_to):
    return link_to(*PARTS_DEFAULT, is_latest=True)


def test_every_look_finds_the_newest(token, maker):
    assert shown(token) == "hello"
    newer(maker, name="second", nonce=7)
    assert shown(token) == "second"


def test_only_the_ref_that_was_chosen_counts(link_to, maker):
    token = link_to(is_latest=True, ref="main")
    newer(maker, name="of-a-branch", nonce=7, repo_ref="topic")
    assert shown(token) == "hello"
    newer(maker, name="of-main", nonce=8, repo_ref="main")
    assert shown(token) == "of-main"


@pytest.mark.parametrize("origin", [Build.Origin.IMPORT, Build.Origin.UPLOAD])
def test_what_only_claims_the_repository_never_counts(token, maker, origin):
    newer(maker, name="claimed", nonce=7, origin=origin)
    assert shown(token) == "hello"


def test_builds_of_others_do_not_count(token, maker):
    newer(person_make("eve"), name="of-eve", nonce=7)
    assert shown(token) == "hello"


def test_build_that_is_not_judged_yet_does_not_count(token, maker):
    build_make(maker)
    assert shown(token) == "hello"


def test_upload_has_no_latest(maker):
    build = build_make(maker, origin=Build.Origin.UPLOAD, repo_url="", verdict="simulated")
    with pytest.raises(SharingError) as caught:
        link_create(build=build, user=maker, wanted=Wanted(is_latest=True))
    assert caught.value.code == "no-repository"


def test_link_without_any_build_left_is_closed_like_any_other(token, shared):
    Build.objects.filter(pk=shared.pk).update(verdict="")
    closed = Client().get("/s/wrong/")
    answer = Client().get(f"/s/{token}/")
    assert (answer.status_code, answer.content) == (404, closed.content)


def test_link_of_someone_who_may_share_no_more_is_closed(link_to, shared, maker):
    token = link_to()
    maker.is_active = False
    maker.save()
    assert Client().get(f"/s/{token}/").status_code == 404


def test_link_of_a_former_administrator_is_closed(shared):
    root = person_make("root", is_administrator=True)
    token = link_create(build=shared, user=root)[1]
    assert Client().get(f"/s/{token}/").status_code == 200
    root.is_staff = False
    root.save()
    assert Client().get(f"/s/{token}/").status_code == 404
