"""A part that was not chosen is nowhere: not on the page, not in data, not by guessing its address."""

import pytest
from django.test import Client

from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.parts import Part
from kettle_web.verifications.models import Report
from tests.verifications.bundles import HELLO
from tests.verifications.streams import streamed

pytestmark = pytest.mark.django_db

PAGES = ("", "report.json", "material.json", "report/", "card")
FILES = ("provenance.json", "evidence.json", "result.tar.gz")


def body(answer) -> str:
    return (streamed(answer) if answer.streaming else answer.content).decode("utf-8", "replace")


def status(path: str) -> int:
    answer = Client().get(path)
    if answer.streaming:
        streamed(answer)
    return answer.status_code


def everything(token: str) -> str:
    """All that the link's pages and data say."""
    return "".join(body(Client().get(f"/s/{token}/{path}")) for path in PAGES)


def test_all_parts_open_every_document(link_to):
    token = link_to(*Part)
    assert [status(f"/s/{token}/files/{name}") for name in FILES] == [200, 200, 200]
    assert "serde" in everything(token)


def test_without_dependencies_none_is_named_and_no_document_holds_them(link_to):
    token = link_to(Part.PROVENANCE, Part.ARTIFACTS, Part.LOG)
    said = everything(token)
    for name in ("serde", "xz2", "1.0.228"):
        assert name not in said
    assert [status(f"/s/{token}/files/{name}") for name in FILES] == [404, 200, 404]
    assert "it signed this very provenance" in said


def test_material_without_dependencies_says_what_is_hidden(link_to):
    material = Client().get(f"/s/{link_to(Part.PROVENANCE)}/material.json").json()
    assert material["documents"]["provenance"] is None
    assert material["hidden"] == ["provenance"]
    assert material["documents"]["evidence"]["sha256"]


def test_verdict_alone_shows_no_value_behind_a_check(link_to, shared):
    token = link_to()
    nonce = bytes(shared.attempts.get().nonce).hex()
    report = Client().get(f"/s/{token}.json").json()
    assert report["claims"] == {}
    assert report["signed_data"] is None
    assert not any(check["expected"] or check["actual"] for check in report["checks"])
    said = everything(token)
    assert nonce not in said
    assert report["provenance"]["build_command"] == ""
    assert [status(f"/s/{token}/files/{name}") for name in FILES] == [404, 404, 404]
    assert report["now"]["verdict"] == "simulated"
    assert "only this site's word" in said


def test_files_are_downloads_of_their_own_part(link_to, shared):
    digest = shared.artifacts.get(name="hello").sha256_hex
    without, with_files = link_to(Part.PROVENANCE, Part.DEPENDENCIES), link_to(Part.ARTIFACTS)
    assert status(f"/s/{without}/artifacts/{digest}/hello") == 404
    assert status(f"/s/{without}/files/result.tar.gz") == 404
    assert streamed(Client().get(f"/s/{with_files}/artifacts/{digest}/hello")) == HELLO


def test_log_is_a_part_of_its_own_and_says_what_it_is_worth(link_to):
    assert status(f"/s/{link_to(Part.ARTIFACTS)}/log.txt") == 404
    token = link_to(Part.LOG)
    answer = Client().get(f"/s/{token}/log.txt")
    assert answer.status_code == 200
    assert "not covered by the attestation" in body(answer)
    assert answer["Content-Disposition"].startswith("attachment")
    assert f"/s/{token}/log.txt" in body(Client().get(f"/s/{token}/"))


def test_link_to_one_file_knows_no_other(link_to, shared):
    digest, other = (shared.artifacts.get(name=name).sha256_hex for name in ("hello", "other-file"))
    token = link_to(Part.ARTIFACTS, artifact_sha256=digest)
    said = everything(token)
    assert "hello" in said
    assert "other-file" not in said
    assert other not in said
    assert status(f"/s/{token}/artifacts/{other}/other-file") == 404
    assert status(f"/s/{token}/artifacts/{digest}/hello") == 200


def test_archive_is_never_behind_a_link_to_one_file(link_to, shared):
    token = link_to(*Part, artifact_sha256=shared.artifacts.get(name="hello").sha256_hex)
    assert status(f"/s/{token}/files/result.tar.gz") == 404


@pytest.mark.parametrize("reason", ["xz2 does not match", "Xz2: its name contradicts its address"])
def test_reason_that_names_a_dependency_is_hidden_from_the_headline_too(link_to, shared, reason):
    row = Report.objects.get(build=shared)
    row.document["now"]["headline"] = {
        "template": "Failed: «{check}»: {reason}.",
        "params": {"check": "The inputs give the stated root", "reason": reason},
        "text": "",
    }
    for check in row.document["checks"]:
        if check["code"].startswith("inputs."):
            check.update(outcome="fail", reason=reason, expected="xz2", actual="xz3")
    row.save(update_fields=["document"])
    assert "xz2" not in everything(link_to(Part.PROVENANCE)).lower()
    assert "xz2" in everything(link_to(Part.PROVENANCE, Part.DEPENDENCIES)).lower()


@pytest.mark.parametrize(
    ("code", "reason_code", "reason"),
    [
        ("image.allow-list", "image.unknown", "no allow-list entry matches the measurement abcdef0123456789"),
        ("request.ref", "request.unresolved", "unchecked: it was not established what secret-branch pointed to at the time"),
        ("documents.provenance", "json.malformed", "something at 0123456789ABCDEF0123"),
    ],
)
def test_reason_that_quotes_a_value_is_hidden_with_the_values(link_to, shared, code, reason_code, reason):
    row = Report.objects.get(build=shared)
    row.document["now"]["headline"] = {"template": "{check}: {reason}.", "params": {"check": "it", "reason": reason}, "text": ""}
    for check in row.document["checks"]:
        if check["code"] == code:
            check.update(outcome="error", reason=reason, reason_code=reason_code)
    row.save(update_fields=["document"])
    assert reason not in everything(link_to(Part.DEPENDENCIES, Part.LOG, Part.ARTIFACTS))
    assert reason in everything(link_to(Part.PROVENANCE, Part.DEPENDENCIES))


def test_no_link_names_the_other_build_with_the_same_evidence(link_to, shared):
    row = Report.objects.get(build=shared)
    reason = "the same evidence is already stored with the build otherbuild0otherx"
    row.document["now"]["headline"] = {"template": "{check}: {reason}.", "params": {"check": "it", "reason": reason}, "text": ""}
    for check in row.document["checks"]:
        if check["code"] == "signed-data.replay":
            check.update(outcome="fail", reason=reason, reason_code="replay.seen")
    row.save(update_fields=["document"])
    said = everything(link_to(*Part))
    assert "otherbuild0otherx" not in said
    assert "already stored with another build" in said


def test_part_of_an_unknown_name_shows_nothing(link_to):
    token = link_to(Part.ARTIFACTS)
    ShareLink.objects.update(parts=["artifacts", "everything", 7, None])
    assert Client().get(f"/s/{token}/").context["page"].parts == {"verdict", "artifacts"}


def test_pages_name_nobody(link_to, shared):
    said = everything(link_to(*Part, label="for the customer"))
    for private in ("ada-lovelace", "ada&#x27;s label", "for the customer", shared.uid):
        assert private not in said


@pytest.mark.parametrize(("path", "is_open"), [("material.json", True), ("files/evidence.json", True), ("", False), ("log.txt", False)])
def test_separate_verifier_may_read_documents_and_nothing_else_from_anywhere(link_to, path, is_open):
    for token in (link_to(*Part), "wrong"):
        answer = Client().get(f"/s/{token}/{path}")
        assert (answer.get("Access-Control-Allow-Origin") == "*") is is_open
        assert "Access-Control-Allow-Credentials" not in answer
        body(answer)
