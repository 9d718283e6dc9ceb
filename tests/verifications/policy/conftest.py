import pytest

from tests.accounts.people import person_make
from tests.verifications.policy.world import hardware

__all__ = ("hardware",)


@pytest.fixture
def ada():
    return person_make("ada", is_administrator=True)


@pytest.fixture
def grace():
    return person_make("grace", is_administrator=True)
