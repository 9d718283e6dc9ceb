import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from kettle_web.accounts import services
from kettle_web.accounts.services import AccountError
from tests.accounts.people import person_make

pytestmark = pytest.mark.django_db


def test_new_person_gets_a_one_time_password_that_works():
    user, password = services.person_create(name="ada", is_administrator=False)
    assert user.check_password(password)
    assert user.profile.must_change_password
    assert len(password.replace("-", "")) == 20


def test_name_taken_in_other_case_is_refused():
    person_make("ada")
    with pytest.raises(AccountError) as caught:
        services.person_create(name="Ada", is_administrator=False)
    assert caught.value.code == "name-taken"


@pytest.mark.parametrize("take", [services.person_disable, services.person_demote])
def test_nobody_shuts_themselves_out(take):
    ada = person_make("ada", is_administrator=True)
    person_make("bob", is_administrator=True)
    with pytest.raises(AccountError) as caught:
        take(actor=ada, user=ada)
    assert caught.value.code == "oneself"


@pytest.mark.parametrize("take", [services.person_disable, services.person_demote])
def test_administrator_put_out_a_moment_ago_cannot_put_out_the_last_one(take):
    ada, bob = person_make("ada", is_administrator=True), person_make("bob", is_administrator=True)
    take(actor=ada, user=bob)
    with pytest.raises(AccountError) as caught:
        take(actor=bob, user=ada)
    assert caught.value.code == "not-administrator"


def test_administrator_can_put_out_another():
    ada, bob = person_make("ada", is_administrator=True), person_make("bob", is_administrator=True)
    services.person_demote(actor=ada, user=bob)
    services.person_disable(actor=ada, user=bob)
    bob.refresh_from_db()
    assert (bob.is_staff, bob.is_active) == (False, False)


def test_reset_gives_a_new_one_time_password():
    ada, bob = person_make("ada", is_administrator=True), person_make("bob")
    password = services.person_password_reset(actor=ada, user=bob)
    bob.refresh_from_db()
    assert bob.check_password(password)
    assert bob.profile.must_change_password


def test_admin_ensure_prints_the_password_exactly_once(capsys):
    call_command("admin_ensure")
    name_line, password_line = capsys.readouterr().out.splitlines()
    assert name_line == "Administrator: admin"
    admin = User.objects.get(username="admin")
    assert admin.is_staff
    assert admin.check_password(password_line.removeprefix("One-time password: "))
    call_command("admin_ensure")
    assert capsys.readouterr().out == ""


def test_admin_ensure_does_not_take_over_a_user_of_that_name():
    person_make("admin")
    made = services.admin_ensure()
    assert made is not None
    assert made[0].get_username() == "admin-2"
