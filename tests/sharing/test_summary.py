"""The signed summary, read by other people's tools."""

import base64
import io
import json
import stat
import zipfile

import pytest
from django.core.management import call_command
from django.test import Client
from google.protobuf import json_format
from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary
from in_toto_attestation.v1.statement_pb2 import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from kettle_web.sharing.models import SigningKey
from kettle_web.sharing.parts import Part
from kettle_web.verifications.models import Report

pytestmark = pytest.mark.django_db


def published() -> list[SSlibKey]:
    """The keys as the site publishes them, as securesystemslib takes them."""
    keys = Client().get("/.well-known/kettle-vsa-keys.json").json()["keys"]
    return [
        SSlibKey(
            key["keyid"], key["keytype"], key["scheme"],
            {"public": base64.urlsafe_b64decode(key["jwk"]["x"] + "=").hex()},
        )
        for key in keys
    ]  # fmt: skip


def signed(token: str) -> dict:
    return Client().get(f"/s/{token}/summary.dsse.json").json()


def statement(token: str) -> dict:
    return json.loads(base64.b64decode(signed(token)["payload"]))


def judge(build, verdict: str) -> None:
    row = Report.objects.get(build=build)
    row.document["now"]["verdict"] = verdict
    row.save(update_fields=["document"])


def test_securesystemslib_accepts_the_signature(link_to):
    envelope = Envelope.from_dict(signed(link_to()))
    assert len(envelope.verify(published(), 1)) == 1


def test_securesystemslib_refuses_a_changed_payload(link_to):
    document = signed(link_to())
    payload = base64.b64decode(document["payload"]).replace(b'"FAILED"', b'"PASSED"')
    document["payload"] = base64.b64encode(payload).decode()
    with pytest.raises(VerificationError):
        Envelope.from_dict(document).verify(published(), 1)


def test_in_toto_reads_statement_and_predicate(link_to):
    said = statement(link_to())
    parsed = json_format.ParseDict(said, Statement())
    assert parsed.predicate_type == "https://slsa.dev/verification_summary/v1"
    assert {item.name for item in parsed.subject} == {"hello", "other-file"}
    # The library's message is of an earlier draft: it has one level as a text, and not our own field.
    known = {name: value for name, value in said["predicate"].items() if name not in ("kettleVerdict", "slsaVersion", "verifiedLevels")}
    summary = json_format.ParseDict(known, VerificationSummary())
    assert summary.verification_result == "FAILED"
    assert summary.time_verified.seconds > 0


@pytest.mark.parametrize("verdict", ["failed", "simulated", "unattested", "incomplete", "unpinned"])
def test_nothing_but_confirmed_ever_passes(link_to, shared, verdict):
    judge(shared, verdict)
    predicate = statement(link_to())["predicate"]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])
    assert predicate["kettleVerdict"] == verdict


def test_confirmed_passes_without_any_level(link_to, shared):
    judge(shared, "confirmed")
    predicate = statement(link_to())["predicate"]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("PASSED", ["SLSA_BUILD_LEVEL_UNEVALUATED"])


def test_same_report_gives_the_same_bytes(link_to):
    token = link_to()
    assert signed(token) == signed(token)


def test_statement_is_about_the_files_of_the_link_alone(link_to, shared):
    digest = shared.artifacts.get(name="hello").sha256_hex
    said = statement(link_to(artifact_sha256=digest))
    assert [item["digest"]["sha256"] for item in said["subject"]] == [digest]
    assert "other-file" not in json.dumps(said)


def test_rotated_key_signs_no_more_and_can_still_be_checked(link_to, capsys):
    token = link_to()
    old = signed(token)
    call_command("rotate_signing_key")
    new = signed(token)
    keyid = new["signatures"][0]["keyid"]
    assert old["signatures"][0]["keyid"] != keyid
    keys = published()
    assert len(keys) == 2
    assert Envelope.from_dict(old).verify(keys, 1)
    assert Envelope.from_dict(new).verify(keys, 1)
    assert SigningKey.objects.get(is_in_use=None).private_encrypted == ""
    assert keyid in capsys.readouterr().out


def test_private_half_is_not_readable_in_the_database(link_to):
    signed(link_to())
    row = SigningKey.objects.get()
    assert "PRIVATE" not in row.private_encrypted
    assert "PRIVATE" not in Client().get("/.well-known/kettle-vsa-keys.json").content.decode()


def test_key_that_opens_it_is_the_owners_alone(settings):
    path = settings.DATA_DIR / "field-encryption-key"
    if not path.exists():
        pytest.skip("the key comes from the environment here")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_file_there_is_nothing_to_state(link_to, shared):
    row = Report.objects.get(build=shared)
    row.document["artifacts"] = []
    row.save(update_fields=["document"])
    token = link_to(*Part)
    assert Client().get(f"/s/{token}/summary.dsse.json").status_code == 404
    page = Client().get(f"/s/{token}/").content.decode()
    assert "summary.dsse.json" not in page
    assert "report.json" in page
    names = zipfile.ZipFile(io.BytesIO(Client().get(f"/s/{token}/proof.zip").content)).namelist()
    assert not [name for name in names if "summary" in name]


def test_without_a_list_no_digest_of_one_is_stated(link_to, shared):
    row = Report.objects.get(build=shared)
    row.document["policy_version"] = ""
    row.save(update_fields=["document"])
    assert "digest" not in statement(link_to())["predicate"]["policy"]
