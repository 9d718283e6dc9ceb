import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from kettle_web.accounts import services
from kettle_web.accounts.throttle import MAX_BY_BOTH
from tests.accounts.people import PASSWORD, person_make

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/sign-in/"
PASSWORD_PAGE = "/account/password/"
PEOPLE = "/account/people/"


@pytest.fixture
def ada():
    return person_make("ada", is_administrator=True)


@pytest.fixture
def bob():
    return person_make("bob")


def _sign_in(client, name, password, **more):
    return client.post(SIGN_IN, {"username": name, "password": password, **more})


def test_sign_in_works_and_gives_a_new_session_key(client, bob):
    client.get(SIGN_IN)
    client.session["seen"] = True
    before = client.session.session_key
    answer = _sign_in(client, "bob", PASSWORD)
    assert answer.status_code == 302
    assert answer["Location"] == reverse("pages:home")
    assert client.session.session_key != before


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_sign_in_goes_nowhere_else(client, bob, url):
    assert _sign_in(client, "bob", PASSWORD, next=url)["Location"] == reverse("pages:home")


def test_sign_in_goes_where_the_person_was_going(client, bob):
    assert _sign_in(client, "bob", PASSWORD, next="/builds/?q=serde")["Location"] == "/builds/?q=serde"


def test_unknown_disabled_and_wrong_are_told_the_same(client, bob):
    gone = person_make("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    answers = [_sign_in(Client(), name, password) for name, password in [("bob", "x"), ("nobody", "x"), ("gone", PASSWORD)]]
    assert {answer.status_code for answer in answers} == {422}
    assert len({str(answer.context["form"].non_field_errors()) for answer in answers}) == 1


def test_unknown_names_cost_one_password_hash_like_known_ones(client, bob, monkeypatch):
    from django.contrib.auth.hashers import MD5PasswordHasher

    made = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, *a: made.append(1) or encode(self, *a))
    _sign_in(Client(), "bob", "x")
    known = len(made)
    _sign_in(Client(), "nobody", "x")
    assert len(made) - known == known == 1


def test_too_many_tries_say_when_to_come_back(client, bob):
    for _ in range(MAX_BY_BOTH):
        _sign_in(client, "bob", "wrong")
    answer = _sign_in(client, "bob", PASSWORD)
    assert answer.status_code == 429
    assert "15 minutes" in answer.content.decode()


def test_sign_in_needs_its_csrf_token(bob):
    assert _sign_in(Client(enforce_csrf_checks=True), "bob", PASSWORD).status_code == 403


def test_sign_out_is_by_post_only(client, bob):
    client.force_login(bob)
    assert client.get("/account/sign-out/").status_code == 405
    assert client.post("/account/sign-out/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_one_time_password_leads_to_choosing_one_and_nowhere_else(client):
    _, one_time = services.person_create(name="eve", is_administrator=True)
    assert _sign_in(client, "eve", one_time, next=PEOPLE)["Location"] == PASSWORD_PAGE
    assert client.get(PEOPLE)["Location"] == PASSWORD_PAGE
    assert client.post(PEOPLE, {"name": "mallory"}).status_code == 403
    assert client.get(PEOPLE, headers={"HX-Request": "true"})["HX-Redirect"] == PASSWORD_PAGE
    answer = client.post(PASSWORD_PAGE, {"new_password1": "a quiet river 7", "new_password2": "a quiet river 7"})
    assert answer.status_code == 302
    assert client.get(PEOPLE).status_code == 200


def test_one_time_password_holds_a_session_that_began_elsewhere(client):
    user, _ = services.person_create(name="eve", is_administrator=True)
    client.force_login(user)
    assert client.get(PEOPLE)["Location"] == PASSWORD_PAGE


def test_one_time_password_cannot_be_kept(client):
    _, one_time = services.person_create(name="eve", is_administrator=False)
    _sign_in(client, "eve", one_time)
    answer = client.post(PASSWORD_PAGE, {"new_password1": one_time, "new_password2": one_time})
    assert answer.status_code == 422


def test_changing_the_password_ends_the_other_sessions(client, bob):
    other = Client()
    other.force_login(bob)
    client.force_login(bob)
    answer = client.post(
        PASSWORD_PAGE,
        {"old_password": PASSWORD, "new_password1": "a quiet river 7", "new_password2": "a quiet river 7"},
    )
    assert answer.status_code == 302
    assert client.get(PASSWORD_PAGE).status_code == 200
    assert other.get(PASSWORD_PAGE).status_code == 302


@pytest.mark.parametrize(
    ("old", "new1", "new2"),
    [("wrong", "a quiet river 7", "a quiet river 7"), (PASSWORD, "short", "short"), (PASSWORD, "a quiet river", "b")],
)
def test_password_is_not_changed_by(client, bob, old, new1, new2):
    client.force_login(bob)
    answer = client.post(PASSWORD_PAGE, {"old_password": old, "new_password1": new1, "new_password2": new2})
    assert answer.status_code == 422
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


@pytest.mark.parametrize("url", [PASSWORD_PAGE, PEOPLE])
def test_anonymous_is_sent_to_sign_in(client, url):
    assert client.get(url)["Location"] == f"{SIGN_IN}?next={url}"


def test_people_page_does_not_exist_for_others(client, bob, ada):
    client.force_login(bob)
    assert client.get(PEOPLE).status_code == 404
    assert client.post(PEOPLE, {"name": "mallory"}).status_code == 404
    assert client.post(f"{PEOPLE}{ada.pk}/disable/").status_code == 404


def test_administrator_adds_someone_and_sees_the_password_once(client, ada):
    client.force_login(ada)
    answer = client.post(PEOPLE, {"name": "carol"})
    one_time = answer.context["page"].one_time.password
    assert one_time in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert one_time not in client.get(PEOPLE).content.decode()
    assert User.objects.get(username="carol").check_password(one_time)


@pytest.mark.parametrize(("name", "status"), [("", 422), ("a b", 422), ("ADA", 409)])
def test_adding_is_refused_for_the_name(client, ada, name, status):
    client.force_login(ada)
    assert client.post(PEOPLE, {"name": name}).status_code == status


def test_administrator_disables_and_the_session_ends(client, ada, bob):
    theirs = Client()
    theirs.force_login(bob)
    client.force_login(ada)
    assert client.post(f"{PEOPLE}{bob.pk}/disable/").status_code == 302
    assert theirs.get(PASSWORD_PAGE).status_code == 302


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [("disable", "is_active", False), ("promote", "is_staff", True), ("demote", "is_staff", False)],
)
def test_administrator_changes(client, ada, bob, action, field, value):
    client.force_login(ada)
    assert client.post(f"{PEOPLE}{bob.pk}/{action}/").status_code == 302
    bob.refresh_from_db()
    assert getattr(bob, field) is value


def test_administrator_enables_again(client, ada, bob):
    User.objects.filter(pk=bob.pk).update(is_active=False)
    client.force_login(ada)
    client.post(f"{PEOPLE}{bob.pk}/enable/")
    bob.refresh_from_db()
    assert bob.is_active


def test_administrator_resets_a_password_and_sees_it_once(client, ada, bob):
    client.force_login(ada)
    one_time = client.post(f"{PEOPLE}{bob.pk}/reset/").context["page"].one_time.password
    bob.refresh_from_db()
    assert bob.check_password(one_time)


def test_administrator_is_told_why_not(client, ada):
    client.force_login(ada)
    answer = client.post(f"{PEOPLE}{ada.pk}/demote/")
    assert answer.status_code == 409
    assert "another administrator" in answer.content.decode()


@pytest.mark.parametrize("path", ["999999/disable/", "{bob}/explode/"])
def test_person_action_that_does_not_exist(client, ada, bob, path):
    client.force_login(ada)
    assert client.post(PEOPLE + path.format(bob=bob.pk)).status_code == 404


def test_person_action_is_by_post_with_a_token(ada, bob):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.get(f"{PEOPLE}{bob.pk}/disable/").status_code == 405
    assert strict.post(f"{PEOPLE}{bob.pk}/disable/").status_code == 403
