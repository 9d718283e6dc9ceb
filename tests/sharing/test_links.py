"""The list of a person's links, one link's looks, and the preview: who sees what."""

import pytest
from django.test import Client

from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.parts import Part
from tests.accounts.people import person_make

pytestmark = pytest.mark.django_db


def client_of(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_list_says_what_each_link_opens_and_shows(link_to, maker):
    link_to(Part.LOG, label="for Grace", passphrase="long enough")
    link_to(is_latest=True, label="for Bob")
    text = client_of(maker).get("/links/").content.decode()
    for said in ("for Grace", "for Bob", "one build", "the latest build of a repository", "Log", "with a passphrase"):
        assert said in text


def test_list_is_ones_own_and_an_administrators_is_whole(link_to):
    link_to(label="for Grace")
    assert "for Grace" not in client_of(person_make("bob")).get("/links/").content.decode()
    assert "for Grace" in client_of(person_make("root", is_administrator=True)).get("/links/").content.decode()


def test_stranger_neither_sees_nor_revokes_a_link(link_to):
    link_to()
    link = ShareLink.objects.get()
    bob = client_of(person_make("bob"))
    assert bob.get(f"/links/{link.uid}/").status_code == 404
    assert bob.post(f"/links/{link.uid}/revoke/").status_code == 404
    link.refresh_from_db()
    assert link.revoked_at is None


def test_owner_reads_the_looks_and_revokes(link_to, maker):
    token = link_to()
    Client(headers={"User-Agent": "curl/8"}).get(f"/s/{token}.json")
    link = ShareLink.objects.get()
    client = client_of(maker)
    text = client.get(f"/links/{link.uid}/").content.decode()
    assert "data, by a program" in text
    assert "a command-line tool" in text
    client.post(f"/links/{link.uid}/revoke/")
    assert Client().get(f"/s/{token}/").status_code == 404


def test_address_is_on_no_page_of_its_owner(link_to, maker, shared):
    token = link_to()
    client, link = client_of(maker), ShareLink.objects.get()
    for path in ("/links/", f"/links/{link.uid}/", f"/builds/{shared.uid}/links/", f"/builds/{shared.uid}/"):
        assert token not in client.get(path).content.decode()


def test_preview_shows_what_a_stranger_would_see_and_makes_nothing(maker, shared):
    client = client_of(maker)
    text = client.post(f"/builds/{shared.uid}/links/preview/", {"chosen": "True", "parts": ["provenance"]}).content.decode()
    assert "Preview" in text
    assert "serde" not in text
    assert "it is not handed out" in text
    assert not ShareLink.objects.exists()


def test_preview_of_a_passphrase_does_not_repeat_it(maker, shared):
    answer = client_of(maker).post(f"/builds/{shared.uid}/links/preview/", {"passphrase": "long enough one"})
    assert answer.status_code == 200
    assert "long enough one" not in answer.content.decode()


def test_preview_is_for_those_who_may_share(shared):
    assert client_of(person_make("bob")).post(f"/builds/{shared.uid}/links/preview/").status_code == 404


def test_form_makes_a_link_to_one_file_with_the_parts_that_were_ticked(maker, shared):
    digest = shared.artifacts.get(name="hello").sha256_hex
    form = {"chosen": "True", "parts": ["artifacts"], "opens": f"file:{digest}", "passphrase": "long enough one"}
    answer = client_of(maker).post(f"/builds/{shared.uid}/links/", form)
    link = ShareLink.objects.get()
    assert (link.scope, link.artifact_sha256_hex, link.parts) == ("artifact", digest, ["verdict", "artifacts"])
    assert "long enough one" not in answer.content.decode()
    assert "badge.svg" in answer.content.decode()


@pytest.mark.parametrize(
    "form", [{"opens": "file:" + "0" * 64}, {"parts": ["everything"]}, {"passphrase": "short"}, {"passphrase": "x" * 201}]
)
def test_choice_that_is_none_is_refused_in_place(maker, shared, form):
    answer = client_of(maker).post(f"/builds/{shared.uid}/links/", form)
    assert answer.status_code == 422
    assert not ShareLink.objects.exists()


def test_client_that_knows_nothing_of_parts_gets_the_usual_ones(maker, shared):
    client_of(maker).post(f"/builds/{shared.uid}/links/", {"label": "x"})
    assert ShareLink.objects.get().part_set == {Part.VERDICT, Part.PROVENANCE, Part.DEPENDENCIES, Part.ARTIFACTS}


def test_none_ticked_is_a_choice(maker, shared):
    client_of(maker).post(f"/builds/{shared.uid}/links/", {"chosen": "True"})
    assert ShareLink.objects.get().part_set == {Part.VERDICT}
