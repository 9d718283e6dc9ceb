import pytest
from django.utils import timezone

from kettle_web.accounts.services import person_create
from kettle_web.builds.states import State
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import build_make, result_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    ada = person_make("ada")
    client.force_login(ada)
    return ada


def test_running_build_has_neither_verdict_nor_report(client, ada):
    document = client.get(f"/api/v1/builds/{build_make(ada).uid}").json()
    assert (document["state"], document["is_finished"], document["verdict"]) == ("queued", False, "")
    assert document["report"] is None
    assert document["failure"] is None


def test_finished_build_has_its_report(client, ada):
    build = build_make(ada, tarball=result_make().tarball)
    report_create(build=build, now=timezone.now())
    answer = client.get(f"/api/v1/builds/{build.uid}")
    document = answer.json()
    assert (document["state"], document["verdict"]) == ("done", "simulated")
    assert document["report"] == client.get(f"/builds/{build.uid}/report.json").json()
    assert "no-store" in answer["Cache-Control"]


def test_failed_build_says_whose_fault_it_was(client, ada):
    build = build_make(ada, state=State.FAILED, fault="source", failure_code="x", failure_message="No lockfile.")
    failure = client.get(f"/api/v1/builds/{build.uid}").json()["failure"]
    assert failure == {"fault": "source", "code": "x", "message": "No lockfile."}


def test_strangers_and_bad_ids_get_404(client, ada):
    build = build_make(ada)
    client.force_login(person_make("bob"))
    assert client.get(f"/api/v1/builds/{build.uid}").status_code == 404
    answer = client.get("/api/v1/builds/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not-found"


def test_anonymous_is_not_let_in(client):
    answer = client.get("/api/v1/builds/nothing")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "signed-out"


def test_one_time_password_is_changed_first(client):
    client.force_login(person_create(name="eve", is_administrator=True)[0])
    assert client.get("/api/v1/builds/nothing").status_code == 403


def test_build_is_only_read(client, ada):
    assert client.post(f"/api/v1/builds/{build_make(ada).uid}").status_code == 405
