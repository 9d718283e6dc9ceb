"""The pages of a submission: works, anonymous, stranger, bad id, wrong method, CSRF; bad input gets a sentence."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, Client

from kettle_web.builder.sample import sample_archive
from kettle_web.builds import sources
from kettle_web.builds.eventlog import Event
from kettle_web.builds.follow_store import events_append
from kettle_web.builds.models import Build, Endpoint, Upload
from kettle_web.builds.states import State
from kettle_web.core.blobs import blob_write_bytes

pytestmark = pytest.mark.django_db(transaction=True)
PUBLIC = "https://example.org/a/b"


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ref_resolve", lambda url, ref, **kwargs: "c" * 40)
    monkeypatch.setattr(sources, "toolchains_found", lambda: {"cargo": "/usr/bin/cargo"})


@pytest.fixture
def client(owner: User, endpoint: Endpoint) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def repository(client: Client, **fields: str):
    return client.post("/builds/new/", {"way": "repository", "repo_url": PUBLIC, **fields})


def text_of(response) -> str:
    return response.content.decode()


def test_page_shows_both_ways(client: Client) -> None:
    for way in ("", "?way=repository", "?way=upload", "?way=nonsense"):
        response = client.get(f"/builds/new/{way}")
        assert response.status_code == 200
        assert "csrfmiddlewaretoken" in text_of(response)


def test_repository_is_submitted_with_what_its_ref_points_to(client: Client, queued) -> None:
    response = repository(client, repo_ref="main", nonce="ab" * 16, label="mine", submission_key="k1")
    build = Build.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/builds/{build.uid}/")
    assert (build.repo_url, build.repo_ref, build.resolved_commit, build.label) == (PUBLIC, "main", "c" * 40, "mine")
    attempt = build.attempts.get()
    assert (attempt.nonce_hex, attempt.nonce_made_by) == ("ab" * 16, "browser")
    assert repository(client, submission_key="k1")["Location"] == response["Location"]
    assert len(queued) == 1


def test_nonce_is_made_by_the_server_where_the_browser_made_none(client: Client) -> None:
    repository(client, nonce="")
    assert Build.objects.get().attempts.get().nonce_made_by == "server"


@pytest.mark.parametrize(
    "fields",
    [
        {"repo_url": ""},
        {"repo_url": "not a url"},
        {"repo_url": "file:///etc/passwd"},
        {"repo_url": "ext::sh -c id"},
        {"repo_url": "https://user:secret@example.org/a"},
        {"repo_url": "http://127.0.0.1/a"},
        {"repo_url": "https://10.0.0.1/a"},
        {"repo_url": "https://[::1]/a"},
        {"repo_ref": "-upload-pack=x"},
        {"repo_ref": "a b"},
        {"nonce": "xyz"},
        {"nonce": "ab" * 17},
        {"nonce": "00" * 16},
        {"endpoint": "999"},
        {"label": "x" * 201},
        {"submission_key": "x" * 65},
    ],
)
def test_bad_input_gets_a_sentence_and_keeps_what_was_typed(client: Client, fields: dict[str, str]) -> None:
    response = repository(client, **fields)
    assert response.status_code == 422
    form = response.context["page"].repository_form
    assert form.errors
    assert all(len(str(error)) > 10 for errors in form.errors.values() for error in errors)
    assert form["label"].value() == fields.get("label")
    assert not Build.objects.exists()


def test_address_that_turns_out_to_be_private_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from kettle_web.outbound.errors import AddressRefused

    def private(*args: object, **kwargs: object) -> None:
        raise AddressRefused("address.private", "That host is on a private network.")

    monkeypatch.setattr(sources, "ref_resolve", private)
    assert repository(client).status_code == 422
    assert not Build.objects.exists()


def test_site_without_a_kettle_server_says_so(client: Client) -> None:
    Endpoint.objects.update(is_enabled=False)
    response = repository(client)
    assert response.status_code == 422
    assert "no Kettle server" in str(response.context["page"].repository_form.errors)
    assert client.post("/builds/new/sample/")["Location"] == "/builds/new/"


def test_archive_in_a_plain_form_is_submitted(client: Client) -> None:
    archive = SimpleUploadedFile("../hello.tar.gz", sample_archive())
    client.post("/builds/new/", {"way": "upload", "archive": archive})
    build = Build.objects.get()
    assert (build.origin, build.source_name, build.source_size) == ("upload", "hello.tar.gz", len(sample_archive()))
    assert len(build.source_git_tree) == 40
    assert len(build.source_claimed_commit) == 40
    assert len(build.source_lockfile_sha256) == 64
    assert Upload.objects.get().used_at is not None


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04", b"\x1f\x8b\x08\x00", sample_archive()[:500]])
def test_archive_that_cannot_be_read_is_refused_with_a_reason(client: Client, data: bytes) -> None:
    response = client.post("/builds/new/", {"way": "upload", "archive": SimpleUploadedFile("a.zip", data)})
    assert response.status_code == 422
    page = response.context["page"]
    assert page.problems or page.upload_form.errors
    assert not Build.objects.exists()


@pytest.mark.parametrize("way", ["repository", "upload"])
def test_page_says_before_anything_is_sent_who_may_read_it(client: Client, way: str) -> None:
    assert "Whoever operates it may be able to read the source." in client.get(f"/builds/new/?way={way}").content.decode()


def test_archive_of_a_form_that_comes_back_need_not_be_chosen_again(client: Client) -> None:
    archive = SimpleUploadedFile("hello.tar.gz", sample_archive())
    response = client.post("/builds/new/", {"way": "upload", "archive": archive, "nonce": "no", "label": "mine"})
    assert response.status_code == 422
    page = response.context["page"]
    assert f'name="upload" value="{page.kept.uid}"' in response.content.decode()
    assert "hello.tar.gz" in response.content.decode()
    assert 'value="mine"' in response.content.decode()
    client.post("/builds/new/", {"way": "upload", "upload": page.kept.uid, "label": "mine"})
    assert Build.objects.get().source_name == "hello.tar.gz"


def test_newly_chosen_archive_replaces_the_kept_one(client: Client) -> None:
    first = SimpleUploadedFile("first.tar.gz", sample_archive())
    kept = client.post("/builds/new/", {"way": "upload", "archive": first, "nonce": "no"}).context["page"].kept
    second = SimpleUploadedFile("second.tar.gz", sample_archive())
    client.post("/builds/new/", {"way": "upload", "upload": kept.uid, "archive": second})
    assert Build.objects.get().source_name == "second.tar.gz"


def test_no_archive_at_all_is_said(client: Client) -> None:
    response = client.post("/builds/new/", {"way": "upload"})
    assert response.status_code == 422
    assert "Choose a ZIP" in str(response.context["page"].upload_form.errors)


def test_form_with_too_large_a_file_is_told_the_limit(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from kettle_web.core import formfiles

    monkeypatch.setattr(formfiles, "FORM_FILE_BYTES", 1000)
    response = client.post("/builds/new/", {"way": "upload", "archive": SimpleUploadedFile("a.zip", b"x" * 5000)})
    assert response.status_code == 413
    assert "MiB at most" in str(response.context["page"].upload_form.errors)


def test_sample_is_submitted_with_its_tree(client: Client) -> None:
    client.post("/builds/new/sample/", {"submission_key": "k"})
    client.post("/builds/new/sample/", {"submission_key": "k"})
    build = Build.objects.get()
    assert build.source_name.startswith("hello-kettle")
    assert len(build.source_git_tree) == 40


def test_sample_without_a_toolchain_says_what_to_install(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    Endpoint.objects.update(is_embedded=True)
    monkeypatch.setattr(sources, "toolchains_found", lambda: {"cargo": None})
    response = client.post("/builds/new/sample/", follow=True)
    assert "cargo" in " ".join(str(message) for message in response.context["messages"]).lower()
    assert not Build.objects.exists()


def test_stop_is_for_the_owner_and_administrators(client: Client, build_make, stranger, administrator, settings) -> None:
    settings.BUILDS_VISIBLE_TO = "everyone"
    build = build_make()
    other = Client()
    other.force_login(stranger)
    assert other.post(f"/builds/{build.uid}/stop/").status_code == 404
    other.force_login(administrator)
    assert other.post(f"/builds/{build.uid}/stop/").status_code == 302
    build.refresh_from_db()
    assert build.state == State.ABANDONED
    assert client.post(f"/builds/{build.uid}/stop/").status_code == 302


async def read(client: Client, url: str) -> tuple[int, bytes, dict[str, str]]:
    other = AsyncClient()
    other.cookies = client.cookies
    response = await other.get(url)
    body = b"".join([chunk async for chunk in response.streaming_content]) if response.streaming else response.content
    return response.status_code, body, dict(response.headers)


def test_log_is_plain_text_that_steers_nothing(client: Client, build_make) -> None:
    from asgiref.sync import async_to_sync

    build = build_make(state=State.BUILDING)
    Build.objects.update(lease_owner="me")
    rows = [Event("init", "begin"), Event("build", "\x1b[31mred\x1b[0m \x1b]0;x\x07"), *(Event("build", f"{n}") for n in range(1200))]
    events_append(build.id, "me", rows)
    status, body, headers = async_to_sync(read)(client, f"/builds/{build.uid}/log.txt")
    lines = body.decode().splitlines()
    assert (status, len(lines)) == (200, 1202)
    # Line 1 of the file is line 1 of the log.
    assert lines[:2] == ["[init] begin", "red "]
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


def test_documents_are_given_byte_for_byte(client: Client, build_make) -> None:
    from asgiref.sync import async_to_sync

    build = build_make(state=State.DONE)
    Build.objects.update(provenance_sha256=blob_write_bytes(b'{"a": 1}').sha256_hex)
    status, body, headers = async_to_sync(read)(client, f"/builds/{build.uid}/files/provenance.json")
    assert (status, body) == (200, b'{"a": 1}')
    assert headers["Content-Disposition"].startswith("attachment")
    for name in ("evidence.json", "result.tar.gz", "secret-key"):
        assert async_to_sync(read)(client, f"/builds/{build.uid}/files/{name}")[0] == 404


GETS = ["/builds/{uid}/log.txt", "/builds/{uid}/files/provenance.json", "/builds/uploads/{upload}/"]
POSTS = ["/builds/{uid}/stop/"]
OPEN_GETS = ["/builds/new/"]
OPEN_POSTS = ["/builds/new/", "/builds/new/sample/", "/builds/uploads/"]


@pytest.fixture
def addresses(build_make, owner: User):
    upload = Upload.objects.create(owner=owner, name="a", size=5)
    build = build_make(state=State.DONE)
    Build.objects.update(provenance_sha256=blob_write_bytes(b"{}").sha256_hex)
    return lambda url: url.format(uid=build.uid, upload=upload.uid)


@pytest.mark.parametrize("url", [*GETS, *POSTS, *OPEN_GETS, *OPEN_POSTS])
def test_anonymous_visitor_is_asked_to_sign_in(addresses, url: str) -> None:
    method = Client().post if url in (*POSTS, *OPEN_POSTS) else Client().get
    response = method(addresses(url))
    assert response.status_code == 302
    assert response["Location"].startswith("/account/sign-in/")


@pytest.mark.parametrize("url", [*GETS, *POSTS])
def test_stranger_and_bad_id_get_the_same_404(addresses, client: Client, stranger: User, url: str) -> None:
    other = Client()
    other.force_login(stranger)
    method = "post" if url in POSTS else "get"
    assert getattr(other, method)(addresses(url)).status_code == 404
    missing = url.format(uid="0" * 16, upload="0" * 16)
    assert getattr(client, method)(missing).status_code == 404


@pytest.mark.parametrize("url", [*GETS, *OPEN_GETS])
def test_wrong_method_is_405(addresses, client: Client, url: str) -> None:
    assert client.delete(addresses(url)).status_code == 405


@pytest.mark.parametrize("url", [*POSTS, "/builds/new/sample/", "/builds/uploads/"])
def test_get_of_what_is_posted_is_405(addresses, client: Client, url: str) -> None:
    assert client.get(addresses(url)).status_code == 405


@pytest.mark.parametrize("url", [*POSTS, *OPEN_POSTS])
def test_post_without_a_token_is_refused(addresses, owner: User, url: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post(addresses(url)).status_code == 403


def test_chunk_without_a_token_is_refused(addresses, owner: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.put(addresses("/builds/uploads/{upload}/"), b"abc", headers={"Upload-Offset": "0"}).status_code == 403


def test_everyone_sees_every_build_where_the_setting_says_so(addresses, stranger: User, settings) -> None:
    settings.BUILDS_VISIBLE_TO = "everyone"
    other = Client()
    other.force_login(stranger)
    assert other.get(addresses("/builds/{uid}/log.txt")).status_code == 200
    assert other.get(addresses("/builds/uploads/{upload}/")).status_code == 404


def test_administrator_sees_every_build(addresses, administrator: User) -> None:
    other = Client()
    other.force_login(administrator)
    assert other.get(addresses("/builds/{uid}/log.txt")).status_code == 200
