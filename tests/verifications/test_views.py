import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from kettle_web.builds.leases import lease_claim
from kettle_web.builds.models import Build, Upload
from kettle_web.builds.states import State
from kettle_web.core import formfiles
from kettle_web.core.blobs import blob_write_bytes
from kettle_web.verifications.arrival import build_verify
from kettle_web.verifications.models import Import, ImportedFile, Report
from tests.accounts.people import person_make
from tests.at_once import at_once
from tests.verifications.bundles import HELLO, NONCE, build_make, result_make, tarball_make
from tests.verifications.streams import streamed

pytestmark = pytest.mark.django_db
IMPORT = "/builds/import/"


@pytest.fixture
def ada():
    return person_make("ada")


@pytest.fixture
def signed_in(client, ada):
    client.force_login(ada)
    return client


def _file(name, data):
    return SimpleUploadedFile(name, data)


def _finish(build):
    lease = lease_claim(build.pk, [State.VERIFYING])
    assert lease is not None
    build_verify(lease=lease, now=timezone.now())
    build.refresh_from_db()
    return build


def _without_token(answer):
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", answer.content)


def _imported(answer):
    assert answer.status_code == 302, answer.context["form"].errors
    build = Build.objects.get()
    assert answer["Location"] == f"/builds/{build.uid}/"
    return _finish(build)


@pytest.fixture
def done(ada):
    return _finish(build_make(ada, tarball=result_make().tarball))


def _artifact_url(build):
    return f"/builds/{build.uid}/artifacts/{build.artifacts.get().sha256_hex}/hello"


# Import


def test_import_page_says_its_limits(signed_in):
    answer = signed_in.get(IMPORT)
    assert answer.status_code == 200
    assert answer.context["page"].max_form_bytes == formfiles.FORM_FILE_BYTES


def test_tarball_is_imported_and_verified_as_a_claim(signed_in):
    build = _imported(signed_in.post(IMPORT, {"bundle": _file("r.tar.gz", result_make().tarball), "label": "theirs"}))
    assert (build.origin, build.verdict, build.label) == ("import", "simulated", "theirs")
    assert build.source_name == "r.tar.gz"


def test_loose_documents_are_imported_with_their_artifact(signed_in):
    result = result_make()
    build = _imported(
        signed_in.post(
            IMPORT,
            {
                "provenance": _file("provenance.json", result.provenance),
                "evidence": _file("evidence.json", result.evidence),
                "artifacts": [_file("hello", HELLO), _file("readme", b"x")],
            },
        )
    )
    assert build.verdict == "simulated"
    assert build.artifacts.get().is_stored
    assert ImportedFile.objects.filter(build=build).count() == 2


def test_kex_is_incomplete_and_unpinned_without_its_artifact(signed_in, samples):
    def given():
        return {
            f"{name}": _file(f"{name}.json", (samples / "bundles" / "kex" / f"{name}.json").read_bytes())
            for name in ("provenance", "evidence")
        }

    build = _imported(signed_in.post(IMPORT, given()))
    assert build.verdict == "incomplete"
    Report.objects.all().delete()
    build.index.delete()
    Build.objects.all().delete()
    build = _imported(signed_in.post(IMPORT, {**given(), "leave_artifacts_out": "on"}))
    assert build.verdict == "unpinned"
    assert "0 of 1 files" in json.dumps(build.reports.get().document)


def test_evidence_alone_is_incomplete(signed_in):
    build = _imported(signed_in.post(IMPORT, {"evidence": _file("evidence.json", result_make().evidence)}))
    assert build.verdict in ("incomplete", "simulated")
    assert build.provenance_sha256 == ""


def test_nonce_that_was_kept_is_compared(signed_in):
    given = {"bundle": _file("r.tar.gz", result_make().tarball), "nonce": bytes([9] * 16).hex()}
    assert _imported(signed_in.post(IMPORT, given)).verdict == "failed"
    assert bytes(Import.objects.get().nonce) == bytes([9] * 16)


def test_right_nonce_passes(signed_in):
    given = {"bundle": _file("r.tar.gz", result_make().tarball), "nonce": NONCE.hex().upper()}
    assert _imported(signed_in.post(IMPORT, given)).verdict == "simulated"


def test_upload_in_pieces_is_imported_and_used_up(signed_in, ada):
    blob = blob_write_bytes(result_make().tarball)
    upload = Upload.objects.create(owner=ada, name="r.tar.gz", size=blob.size, received=blob.size, sha256=blob.sha256_hex)
    assert _imported(signed_in.post(IMPORT, {"upload": upload.uid})).verdict == "simulated"
    upload.refresh_from_db()
    assert upload.used_at is not None


def test_someone_elses_upload_does_not_exist(signed_in):
    upload = Upload.objects.create(owner=person_make("bob"), name="x", size=1, sha256="0" * 64)
    assert signed_in.post(IMPORT, {"upload": upload.uid}).status_code == 404
    assert not Build.objects.exists()


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({}, 400, "Choose a result tarball"),
        ({"bundle": b"PK\x03\x04"}, 400, "not a gzip-compressed tarball"),
        ({"bundle": b""}, 400, "not a gzip-compressed tarball"),
        ({"provenance": b""}, 400, "provenance.json is empty"),
        ({"bundle": b"\x1f\x8b", "evidence": b"{}"}, 400, "not both"),
        ({"nonce": "xyz"}, 422, "32 hexadecimal digits"),
        ({"nonce": "00" * 16}, 422, "zeros"),
        ({"evidence": b"x" * (10 * 1024 * 1024 + 1)}, 413, "larger than 10 MiB"),
    ],
)
def test_bad_import_gets_a_sentence(signed_in, given, status, words):
    data = {name: _file(name, value) if isinstance(value, bytes) else value for name, value in given.items()}
    answer = signed_in.post(IMPORT, data)
    assert answer.status_code == status
    assert words in str(answer.context["form"].errors)
    assert not Build.objects.exists()


def test_two_files_of_one_name_are_refused(signed_in):
    answer = signed_in.post(IMPORT, {"evidence": _file("evidence.json", b"{}"), "artifacts": [_file("a", b"1"), _file("a", b"2")]})
    assert answer.status_code == 400
    assert "Two files" in str(answer.context["form"].errors)


def test_file_over_the_forms_limit_is_refused_with_the_limit(signed_in, monkeypatch):
    monkeypatch.setattr(formfiles, "FORM_FILE_BYTES", 1000)
    answer = signed_in.post(IMPORT, {"bundle": _file("r.tar.gz", b"\x1f\x8b" + bytes(200_000))})
    assert answer.status_code == 413
    assert not Build.objects.exists()


def test_hostile_tarball_is_stored_and_fails_with_a_sentence(signed_in):
    build = _imported(signed_in.post(IMPORT, {"bundle": _file("r.tar.gz", tarball_make({"../../evil": b"x"}))}))
    assert build.state == State.FAILED
    assert build.failure_message


def test_import_needs_a_session_and_a_token(client, ada):
    assert client.get(IMPORT)["Location"].startswith("/account/sign-in/")
    assert client.post(IMPORT)["Location"].startswith("/account/sign-in/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post(IMPORT).status_code == 403
    strict.force_login(ada)
    assert strict.put(IMPORT).status_code in (403, 405)


# Report, artifact, again


def test_report_is_json(signed_in, done):
    answer = signed_in.get(f"/builds/{done.uid}/report.json")
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["now"]["verdict"] == "simulated"


def test_report_of_a_build_that_is_not_judged_does_not_exist(signed_in, ada):
    assert signed_in.get(f"/builds/{build_make(ada).uid}/report.json").status_code == 404


def test_artifact_is_an_attachment_with_its_bytes(signed_in, done):
    answer = signed_in.get(_artifact_url(done))
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert streamed(answer) == HELLO


@pytest.mark.parametrize("change", [("hello", "other"), ("/artifacts/", "/artifacts/00"), ("/artifacts/", "/artifacts/Z")])
def test_artifact_of_another_name_or_digest_does_not_exist(signed_in, done, change):
    assert signed_in.get(_artifact_url(done).replace(*change)).status_code == 404


def test_file_that_the_provenance_does_not_name_is_no_artifact(signed_in, ada):
    other = blob_write_bytes(b"stored, but no artifact of this build")
    build = _finish(build_make(ada, tarball=result_make().tarball))
    assert signed_in.get(f"/builds/{build.uid}/artifacts/{other.sha256_hex}/hello").status_code == 404


def test_verify_again_adds_a_report(signed_in, done):
    assert signed_in.post(f"/builds/{done.uid}/verify/")["Location"] == f"/builds/{done.uid}/"
    assert Report.objects.filter(build=done).count() == 2


def test_verify_again_is_by_post_with_a_token(ada, done):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.get(f"/builds/{done.uid}/verify/").status_code == 405
    assert strict.post(f"/builds/{done.uid}/verify/").status_code == 403


@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_get_the_404_of_what_does_not_exist(client, done, method):
    client.force_login(person_make("bob"))
    addresses = [f"/builds/{done.uid}/verify/"] if method == "post" else [f"/builds/{done.uid}/report.json", _artifact_url(done)]
    for address in addresses:
        theirs = getattr(client, method)(address)
        nobodys = getattr(client, method)(address.replace(done.uid, "0" * 16))
        assert theirs.status_code == nobodys.status_code == 404
        assert _without_token(theirs) == _without_token(nobodys)


def test_everyone_may_look_where_the_setting_says_so(client, done, settings):
    settings.BUILDS_VISIBLE_TO = "everyone"
    client.force_login(person_make("bob"))
    assert client.get(f"/builds/{done.uid}/report.json").status_code == 200


def test_anonymous_is_sent_to_sign_in(client, done):
    for address in (f"/builds/{done.uid}/report.json", _artifact_url(done)):
        assert client.get(address)["Location"].startswith("/account/sign-in/")


@pytest.mark.parametrize("address", ["report.json", "artifacts/00/x"])
def test_reading_addresses_take_no_posts(signed_in, done, address):
    assert signed_in.post(f"/builds/{done.uid}/{address}").status_code == 405


def test_form_sent_twice_is_one_import(signed_in):
    key = re.search(r'name="submission_key" value="([^"]+)"', signed_in.get(IMPORT).content.decode())
    assert key is not None
    answers = {
        signed_in.post(IMPORT, {"bundle": _file("result.tar.gz", result_make().tarball), "submission_key": key.group(1)})["Location"]
        for _ in range(2)
    }
    assert answers == {f"/builds/{Build.objects.get().uid}/"}
    assert Import.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_form_sent_many_times_at_once_is_one_import(ada):
    tarball = result_make().tarball

    def send(_number):
        client = Client()
        client.force_login(ada)
        return client.post(IMPORT, {"bundle": _file("result.tar.gz", tarball), "submission_key": "same"})["Location"]

    assert set(at_once(send)) == {f"/builds/{Build.objects.get().uid}/"}
    assert Import.objects.count() == 1
