"""Addresses that nobody would write: what a database refuses, like U+0000 in PostgreSQL, is never our error."""

import pytest
from django.test import Client

from tests.accounts.people import person_make
from tests.history.world import judged

pytestmark = pytest.mark.django_db
PARAMETERS = [
    *("q", "repo", "dep", "file", "label", "ref", "tool", "measurement", "chip", "pcr", "commit", "by", "after", "before", "verdict"),
    *("below", "list", "versions", "digest", "sort", "project"),
]
HOSTILE = ["a\x00b", "\x00", "%", "\\", "'", '"', "-\x00", "\ud7ff\uffff", "9" * 40, "-1", "ab" * 4000]


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_hostile_values_of_parameters_break_no_page(value):
    ada = person_make("ada")
    build = judged(ada)
    client = Client()
    client.force_login(ada)
    paths = [
        *("/builds/", "/builds/suggest/", "/builds/table.csv", "/builds/table.json"),
        *("/projects/", f"/projects/{build.project.slug}/", f"/projects/{build.project.slug}/builds.csv"),
        *("/artifacts/", f"/artifacts/sha256/{'ab' * 32}", "/alarms/", "/alarms/feed.atom"),
        *("/dependencies/", "/dependencies/affected/", "/dependencies/cargo/serde/", "/dependencies/affected.json"),
        *(f"/builds/{build.uid}/explore/inputs/", f"/builds/{build.uid}/compare/"),
    ]
    wrong = []
    for path in paths:
        answer = client.get(path, dict.fromkeys(PARAMETERS, value))
        if answer.streaming:
            b"".join(answer.streaming_content)
        if answer.status_code not in (200, 302, 404, 422):
            wrong.append((path, answer.status_code))
    assert wrong == []
