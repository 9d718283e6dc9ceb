"""A verified build with dependencies, a second file and a log, and links to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone, translation

from kettle_web.builds.models import Build
from kettle_web.sharing.parts import Part
from kettle_web.sharing.services import Wanted, link_create
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.verifications.bundles import HELLO, build_make, result_make

OTHER = b"another file\n"


@pytest.fixture(autouse=True)
def _language():
    """A page in another language leaves it behind in the thread."""
    yield
    translation.deactivate()


@pytest.fixture
def maker(db):
    return person_make("ada-lovelace")


@pytest.fixture
def shared(maker) -> Build:
    tarball = result_make(subjects={"hello": HELLO, "other-file": OTHER}).tarball
    build = build_make(maker, tarball=tarball, label="ada's label", repo_ref="main")
    report_create(build=build, now=timezone.now())
    build.refresh_from_db()
    return build


@pytest.fixture
def link_to(maker, shared) -> Callable[..., str]:
    """Make a link to the build with these parts; give its token."""

    def make(*parts: Part, **wanted: object) -> str:
        return link_create(build=shared, user=maker, wanted=Wanted(parts=(Part.VERDICT, *parts), **wanted))[1]  # type: ignore[arg-type]

    return make
