from importlib import import_module

import pytest
from django.apps import apps

from kettle_web.builds.models import Build, Project
from kettle_web.builds.projects import project_key, project_name, slug_key, slug_make
from kettle_web.builds.services import build_create


@pytest.mark.parametrize(
    "other",
    [
        "https://Example.org/team/one",
        "https://example.org/team/one.git",
        "https://example.org/team/one/",
        "git+https://example.org/team/one.git",
    ],
)
def test_spellings_of_one_address_have_one_key(other: str) -> None:
    assert project_key(other) == project_key("https://example.org/team/one")


@pytest.mark.parametrize("other", ["http://example.org/team/one", "https://example.org/Team/one", "https://example.org/team/one.github"])
def test_another_address_has_another_key(other: str) -> None:
    assert project_key(other) != project_key("https://example.org/team/one")


def test_slug_is_readable_and_its_key_decides() -> None:
    key = project_key("https://example.org/team/One Tool.git")
    slug = slug_make("https://example.org/team/One Tool.git", key)
    assert slug == f"one-tool-{key}"
    assert slug_key(slug) == slug_key(key) == slug_key(f"anything-{key}") == key
    assert slug_key("one-tool") == slug_key(f"x{key}") == ""
    assert slug_make("https://example.org/团队/…", key) == key


def test_name_is_the_address_without_scheme() -> None:
    assert project_name("https://example.org/team/one.git") == "example.org/team/one"


def test_request_by_url_belongs_to_its_project(build_make) -> None:
    first, second = build_make(), build_make()
    assert first.project is not None
    assert first.project_id == second.project_id
    assert first.project.url == "https://example.org/a/b"


def test_bundle_that_claims_an_address_belongs_to_no_project(owner) -> None:
    build = Build.objects.create(owner=owner, origin=Build.Origin.IMPORT, repo_url="https://example.org/a/b")
    assert build.project is None
    assert not Project.objects.exists()


def test_same_request_sent_twice_makes_one_project(owner, endpoint) -> None:
    for _ in range(2):
        build_create(owner=owner, endpoint=endpoint, origin="repository", repo_url="https://example.org/a/b", submission_key="k")
    assert Project.objects.count() == Build.objects.count() == 1


def test_builds_of_before_are_put_to_their_projects(build_make) -> None:
    build = build_make()
    Build.objects.update(project=None)
    Project.objects.all().delete()
    import_module("kettle_web.builds.migrations.0005_projects_of_builds").fill(apps, None)
    build.refresh_from_db()
    assert build.project is not None
    assert build.project.key == project_key(build.repo_url)
