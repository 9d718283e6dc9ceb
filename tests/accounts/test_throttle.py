from datetime import UTC, datetime, timedelta

import pytest

from kettle_web.accounts.models import FailedSignIn
from kettle_web.accounts.throttle import (
    MAX_BY_ADDRESS,
    MAX_BY_BOTH,
    MAX_BY_NAME,
    WINDOW,
    TooManyTries,
    address_normalise,
    attempt_begin,
    attempt_succeeded,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def test_name_is_refused_after_its_limit_from_one_address():
    for _ in range(MAX_BY_BOTH):
        attempt_begin(name="ada", address="192.0.2.1", now=NOW)
    with pytest.raises(TooManyTries) as caught:
        attempt_begin(name="ADA ", address="192.0.2.1", now=NOW + timedelta(minutes=1))
    assert caught.value.minutes == 14


def test_guesser_elsewhere_does_not_shut_the_person_out():
    for _ in range(MAX_BY_BOTH):
        attempt_begin(name="ada", address="192.0.2.1", now=NOW)
    attempt_begin(name="ada", address="192.0.2.2", now=NOW)


def test_name_is_refused_after_its_limit_from_any_address():
    for n in range(MAX_BY_NAME):
        attempt_begin(name="ada", address=f"192.0.2.{n}", now=NOW)
    with pytest.raises(TooManyTries):
        attempt_begin(name="ada", address="192.0.2.200", now=NOW)


def test_address_is_refused_after_its_limit_for_any_name():
    for n in range(MAX_BY_ADDRESS):
        attempt_begin(name=f"name{n}", address="2001:db8::1", now=NOW)
    with pytest.raises(TooManyTries):
        attempt_begin(name="fresh", address="2001:db8::ffff:2", now=NOW)
    attempt_begin(name="fresh", address="2001:db8:0:1::1", now=NOW)


def test_refused_attempt_does_not_prolong_the_wait():
    for _ in range(MAX_BY_BOTH):
        attempt_begin(name="ada", address="192.0.2.1", now=NOW)
    with pytest.raises(TooManyTries):
        attempt_begin(name="ada", address="192.0.2.1", now=NOW + WINDOW - timedelta(seconds=1))
    attempt_begin(name="ada", address="192.0.2.1", now=NOW + WINDOW + timedelta(seconds=1))


def test_success_forgets_the_failures_of_this_name_and_address():
    for _ in range(MAX_BY_BOTH - 1):
        attempt_begin(name="ada", address="192.0.2.1", now=NOW)
    attempt_succeeded(attempt_begin(name="ada", address="192.0.2.1", now=NOW))
    assert not FailedSignIn.objects.exists()


def test_rows_older_than_the_window_are_removed():
    attempt_begin(name="ada", address="192.0.2.1", now=NOW)
    attempt_begin(name="bob", address="192.0.2.1", now=NOW + WINDOW + timedelta(minutes=1))
    assert FailedSignIn.objects.count() == 1


def test_name_itself_is_not_stored():
    row = attempt_begin(name="hunter2", address="192.0.2.1", now=NOW)
    assert b"hunter2" not in bytes(row.name_sha256)


@pytest.mark.parametrize(
    ("text", "counted"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8::7", "2001:db8::/64"), ("", "unknown")],
)
def test_address_is_counted_as(text, counted):
    assert address_normalise(text) == counted
